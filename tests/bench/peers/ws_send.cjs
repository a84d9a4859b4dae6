// Node's ws as a server that sends the lines of a file, each a text message, as
// fast as its clients take them. When CLIENTS have come it begins; at the end it
// closes them and leaves.
//
//   node ws_send.cjs LINES READYFILE CLIENTS
'use strict';
const fs = require('fs');
const { WebSocketServer } = require('ws');

const [file, ready, clients] = process.argv.slice(2);
const AHEAD = 4 << 20; // bytes that a socket may be behind

const lines = [];
const bytes = fs.readFileSync(file);
for (let at = 0; at < bytes.length;) {
  const end = bytes.indexOf(10, at);
  lines.push(bytes.subarray(at, end < 0 ? bytes.length : end));
  at = end < 0 ? bytes.length : end + 1;
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
const sockets = [];
let open = 0;

function feed(ws, from) {
  let i = from;
  while (i < lines.length && ws.bufferedAmount < AHEAD) {
    ws.send(lines[i], { binary: false });
    i += 1;
  }
  if (i < lines.length) ws._socket.once('drain', () => feed(ws, i));
  else ws.close(1000);
}

server.on('connection', (ws) => {
  sockets.push(ws);
  open += 1;
  ws.on('error', () => {});
  ws.on('close', () => {
    open -= 1;
    if (open === 0 && sockets.length >= Number(clients)) process.exit(0);
  });
  if (sockets.length === Number(clients)) sockets.forEach((s) => feed(s, 0));
});
server.on('listening', () => {
  fs.writeFileSync(ready + '.half', 'ws://127.0.0.1:' + server.address().port + '/\n');
  fs.renameSync(ready + '.half', ready);
});
