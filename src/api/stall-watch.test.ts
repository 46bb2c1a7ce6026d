import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchForStall } from './stall-watch.ts'

/** A connection that has taken `taken` of what it was given, and holds the rest. */
class FakeSocket {
  taken = 0
  writableLength = 0
  isDestroyed = false
  get bytesWritten(): number {
    return this.taken + this.writableLength
  }
  destroy(): this {
    this.isDestroyed = true
    return this
  }
}

test('only a connection that holds bytes and moves none is dropped', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const CASES = [
    { name: 'idle', pass: () => {}, isDropped: false },
    { name: 'stuck', pass: (socket: FakeSocket) => (socket.writableLength += 10), isDropped: true },
    {
      name: 'slow',
      pass: (socket: FakeSocket) => {
        socket.writableLength = 1000
        socket.taken++
      },
      isDropped: false,
    },
  ]
  for (const { name, pass, isDropped } of CASES) {
    const socket = new FakeSocket()
    using _watch = watchForStall(socket as unknown as Parameters<typeof watchForStall>[0], 1_000)
    for (let i = 0; i < 20; i++) {
      pass(socket)
      t.mock.timers.tick(100)
    }
    assert.equal(socket.isDestroyed, isDropped, name)
  }
})

test('after disposal nothing is watched', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const socket = new FakeSocket()
  socket.writableLength = 10
  watchForStall(socket as unknown as Parameters<typeof watchForStall>[0], 1_000)[Symbol.dispose]()
  t.mock.timers.tick(10_000)
  assert.equal(socket.isDestroyed, false)
})
