// Connect to a WebSocket URL and print what comes, a line of JSON each:
//   {"text":"<base64>"} or {"binary":"<base64>"}   a message
//   {"close":1000,"reason":""}                     the end
//   {"status":400,"body":"..."}                    a refused handshake
//   {"error":"..."}                                anything else
// Usage: node ws_client.js URL [HEADER:VALUE]...
// Text is printed as its bytes, valid UTF-8 or not.
'use strict';
const WebSocket = require('ws');

const headers = {};
for (const h of process.argv.slice(3)) {
  const at = h.indexOf(':');
  headers[h.slice(0, at)] = h.slice(at + 1);
}

const say = (o) => process.stdout.write(JSON.stringify(o) + '\n');
const ws = new WebSocket(process.argv[2], {
  headers, perMessageDeflate: true, skipUTF8Validation: true, maxPayload: 0,
});

ws.on('message', (data, binary) => {
  say({ [binary ? 'binary' : 'text']: data.toString('base64') });
});
ws.on('close', (code, reason) => say({ close: code, reason: reason.toString() }));
ws.on('error', (e) => say({ error: e.message }));
ws.on('unexpected-response', (req, res) => {
  let body = '';
  res.on('data', (d) => { body += d; });
  res.on('end', () => say({ status: res.statusCode, body }));
});
