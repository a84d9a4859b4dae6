// A client of the stand-in on Node's ws. Every message goes through JSON.parse(),
// and one that is no JSON ends it with exit code 1. Prints what it was told, a
// line each, then {"close":CODE}.
// Usage: node standin_client.cjs URL HOW MESSAGE...
//   parse:N         send the messages, take N frames, close
//   close           close as soon as it is open
//   ask-close       send the messages and close behind them
//   ask-terminate   send the messages and drop the connection
//   fragments       send the first message in pieces, and pings between them;
//                   close with the answer to the last one
'use strict';
const WebSocket = require('ws');

const [url, how, ...messages] = process.argv.slice(2);
const [verb, count] = how.split(':');
const wanted = { parse: Number(count), fragments: Infinity }[verb] || 0;
const ws = new WebSocket(url, { perMessageDeflate: true });
const say = (o) => process.stdout.write(JSON.stringify(o) + '\n');
let taken = 0;

function sendInPieces(text) {
  const size = 1000;
  for (let at = 0; at < text.length; at += size) {
    ws.send(text.slice(at, at + size), { fin: at + size >= text.length });
    ws.ping();
  }
}

ws.on('open', () => {
  if (verb === 'fragments') sendInPieces(messages[0]);
  else if (verb !== 'close') messages.forEach((m) => ws.send(m));
  if (verb === 'ask-terminate') ws.terminate();
  else if (verb.endsWith('close')) ws.close(1000);
});
ws.on('message', (data) => {
  if (taken >= wanted) return;
  say(JSON.parse(data));
  if (verb === 'fragments' && taken === 1) ws.ping('between');
  if (++taken === wanted) ws.close(1000);
});
ws.on('pong', (data) => {
  if (data.length === 0) return;
  say({ pong: data.toString() });
  ws.close(1000);
});
ws.on('close', (code) => say({ close: code, extensions: ws.extensions }));
