import { Socket } from 'node:net';
import { expect, it } from '@jest/globals';
import { GoneClients } from './gone-clients.js';

function scene() {
  const gone: string[] = [];
  return { clients: new GoneClients((id) => gone.push(id)), socket: new Socket(), gone };
}

it('tells of every event that a closed connection waited for, and of no other', () => {
  const { clients, socket, gone } = scene();
  for (const id of ['a', 'b', 'c']) clients.waits(socket, id);
  clients.answered(socket, 'b');
  clients.waits(new Socket(), 'elsewhere');
  socket.emit('close', false);
  expect(gone).toEqual(['a', 'c']);
});

it('listens once to a connection, however many requests it brings', () => {
  const { clients, socket, gone } = scene();
  for (let n = 0; n < 100; n++) {
    clients.waits(socket, String(n));
    clients.answered(socket, String(n));
  }
  expect(socket.listenerCount('close')).toBe(new Socket().listenerCount('close') + 1);
  socket.emit('close', false);
  expect(gone).toEqual([]);
});

it('forgets what it is told twice', () => {
  const { clients, socket, gone } = scene();
  clients.waits(socket, 'a');
  clients.answered(socket, 'a');
  clients.answered(socket, 'a');
  socket.emit('close', false);
  expect(gone).toEqual([]);
});
