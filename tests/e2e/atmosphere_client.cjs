// The platform's documented way to its events, with an atmosphere.js as it comes
// from npm. Each call of a handler is printed as a line of JSON:
//   {"on":"open","uuid":"..."}   {"on":"message","body":"..."}   {"on":"close"}
// Usage: node atmosphere_client.cjs PACKAGE URL MESSAGE
// MESSAGE is what is pushed when the socket opens, and opens again. A line on
// stdin, or its end, leaves with atmosphere.unsubscribe().
'use strict';
const atmosphere = require(process.argv[2]);
const message = process.argv[4];

const say = (on, more) => process.stdout.write(JSON.stringify({ on, ...more }) + '\n');
let subSocket;

function sendSubscribeRequest() {
  subSocket.push(message);
}

const request = {
  url: process.argv[3],
  contentType: 'application/json',
  logLevel: 'debug',
  transport: 'websocket',
  trackMessageLength: false,
  reconnectInterval: 2000,
  onOpen(r) {
    say('open', { uuid: r.request.uuid, transport: r.transport });
    sendSubscribeRequest();
  },
  onReopen() {
    say('reopen');
    sendSubscribeRequest();
  },
  onMessage(r) {
    say('message', { body: r.responseBody });
  },
  onClientTimeout() {
    say('client timeout');
  },
  onTransportFailure(why) {
    say('transport failure', { why });
  },
  onClose(r) {
    say('close', { state: r.state });
  },
  onError(r) {
    say('error', { why: r.reasonPhrase });
  },
  onReconnect() {
    say('reconnect');
  },
};

process.stdin.once('data', () => {
  atmosphere.unsubscribe();
  say('left');
  process.stdin.destroy();
});

subSocket = atmosphere.subscribe(request);
