// A WebSocket server made with ws, for tests of the recorder.
//
//   node ws_server.js PORTFILE SCENARIO
//
// Writes its port to PORTFILE, and for each connection plays the scenario:
// kinds: text, binary, empty, fragments, large, control characters; then
// closes. "codes": closes the n-th connection with the n-th code of the list.
'use strict';
const fs = require('fs');
const { WebSocketServer } = require('ws');

const [portFile, scenario] = process.argv.slice(2);
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true });
const codes = [1000, 1001, 1011, 4000];
let connections = 0;

function kinds(ws) {
  ws.send('{"a":1}');
  ws.send('plain text');
  ws.send('');
  ws.send(Buffer.alloc(0));
  ws.send(Buffer.from([0, 1, 2, 255]));
  ws.send('{"\u00e9":"\u{1f600}"}');
  ws.send('{\n  "pretty": true\n}');
  ws.send('{"frag', { fin: false });
  ws.send('ment', { fin: false });
  ws.ping('between fragments');
  ws.send('s":3}', { fin: true });
  ws.send(Buffer.from('bin'), { fin: false, binary: true });
  ws.send(Buffer.from('ary'), { fin: true, binary: true });
  ws.send('"' + 'x'.repeat(1 << 20) + '"');
  ws.send(Buffer.alloc((1 << 20) + 7, 0xa5));
  ws.send('{"last":true}');
}

server.on('connection', (ws, request) => {
  const n = connections++;
  ws.on('pong', () => ws.send('"pong"'));
  ws.on('message', (data) => ws.send('echo ' + data));
  ws.on('error', () => {});
  if (scenario === 'kinds') kinds(ws);
  else if (scenario === 'codes') {
    ws.send(JSON.stringify({ n, header: request.headers['x-test'] || null,
      extensions: request.headers['sec-websocket-extensions'] || null }));
    if (n < codes.length) ws.close(codes[n], 'reason ' + codes[n]);
    else ws.send('{"last":true}');
  }
});

server.on('listening', () => {
  fs.writeFileSync(portFile + '.tmp', String(server.address().port));
  fs.renameSync(portFile + '.tmp', portFile);
});
process.on('SIGTERM', () => process.exit(0));
