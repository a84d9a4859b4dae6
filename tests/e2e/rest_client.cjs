// A client that knows the platform's base URL alone: log in, ask for the list of
// trackers, connect, subscribe to all of them. Prints each message as it came.
// Usage: node rest_client.cjs BASE_URL STATES
'use strict';
const WebSocket = require('ws');

const [base, states] = process.argv.slice(2);
let left = Number(states) + 1;

async function call(name, params) {
  const got = await fetch(`${base}/${name}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(params),
  });
  const answer = await got.json();
  if (!got.ok || !answer.success) throw new Error(`${name}: ${JSON.stringify(answer)}`);
  return answer;
}

async function main() {
  const { hash } = await call('user/auth', { login: 'user@example.com', password: 'secret' });
  await call('user/get_info', { hash });
  const { list } = await call('tracker/list', { hash });
  const ws = new WebSocket(`${base.replace('http', 'ws')}/event/subscription`);
  ws.on('open', () => ws.send(JSON.stringify({
    action: 'subscribe', hash, events: ['state'], trackers: list.map((t) => t.id),
  })));
  ws.on('message', (data) => {
    if (left > 0) process.stdout.write(JSON.stringify(JSON.parse(data)) + '\n');
    if (--left === 0) ws.close();
  });
}

main();
