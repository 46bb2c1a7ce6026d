import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CALM_GATHER_MS, DatagramReader, DatagramReading } from './datagram-reader.ts'

async function boundSocket(port = 0): Promise<Socket & AsyncDisposable> {
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

/** On a port of its own choice, as all that are read: one that the system chose is given up with the connection. */
async function readSocket(): Promise<Socket & AsyncDisposable> {
  const free = await boundSocket()
  const { port } = free.address()
  await free[Symbol.asyncDispose]()
  const socket = await boundSocket(port)
  // As much as the system allows; where that is little, every datagram is an event, and all of this holds too.
  socket.setRecvBufferSize(2 * 1024 * 1024)
  return socket
}

const datagram = (number: number) => {
  const bytes = Buffer.alloc(1200, number & 0xff)
  bytes.writeUInt32BE(number)
  return bytes
}

async function until(isSo: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 1000 && !isSo(); attempt++) await sleep(10)
  assert.ok(isSo())
}

test('every datagram comes, in order, one by one and gathered, and again after a silence from elsewhere', async () => {
  await using socket = await readSocket()
  await using sender = await boundSocket()
  await using elsewhere = await boundSocket()
  const { port } = socket.address()
  const received: number[] = []
  let mayGather = true
  using reading = new DatagramReading()
  const user = {
    received: (bytes: Uint8Array) => {
      const number = Buffer.from(bytes).readUInt32BE()
      assert.deepEqual(Buffer.from(bytes), datagram(number))
      received.push(number)
      return true
    },
    mayGather: () => mayGather,
  }
  new DatagramReader(socket, user, reading)
  let sent = 0
  const send = async (from: Socket, datagrams: number) => {
    for (let index = 0; index < datagrams; index++) {
      from.send(datagram(sent++), port, '127.0.0.1')
      if (index % 20 === 0) await sleep(1)
    }
    await until(() => received.length === sent)
  }
  await send(sender, 600)
  await sleep(1_500)
  await send(elsewhere, 300)
  await sleep(1_500)
  await send(sender, 300)
  mayGather = false
  await sleep(100)
  await send(sender, 50)
  assert.deepEqual(
    received,
    received.map((_, index) => index),
  )
})

test('what has gathered is handed over at once when it is asked for', async () => {
  await using socket = await readSocket()
  await using sender = await boundSocket()
  const { port } = socket.address()
  let received = 0
  using reading = new DatagramReading()
  const user = { received: () => ++received > 0, mayGather: () => true }
  const reader = new DatagramReader(socket, user, reading)
  for (let number = 0; number < 200; number++) {
    sender.send(datagram(number), port, '127.0.0.1')
    if (number % 20 === 0) await sleep(5)
  }
  await until(() => received === 200)
  await sleep(2 * CALM_GATHER_MS)
  const gathers = socket.getRecvBufferSize() >= 4 * 1024 * 1024
  await Promise.all(
    Array.from({ length: 30 }, async () => {
      const sent = Promise.withResolvers<void>()
      sender.send(datagram(0), port, '127.0.0.1', () => sent.resolve())
      await sent.promise
    }),
  )
  reader.takeNow()
  if (gathers) assert.equal(received, 230)
  await until(() => received === 230)
})

test('datagrams of all sizes gather, the empty and the largest among them', async () => {
  await using socket = await readSocket()
  await using sender = await boundSocket()
  const { port } = socket.address()
  const received: number[] = []
  using reading = new DatagramReading()
  const user = {
    received: (bytes: Uint8Array) => {
      assert.ok(bytes.every((byte) => byte === (bytes.length & 0xff)))
      received.push(bytes.length)
      return true
    },
    mayGather: () => true,
  }
  new DatagramReader(socket, user, reading)
  const sent: number[] = []
  const send = async (bytes: number) => {
    sent.push(bytes)
    const isSent = Promise.withResolvers<void>()
    sender.send(Buffer.alloc(bytes, bytes & 0xff), port, '127.0.0.1', () => isSent.resolve())
    await isSent.promise
  }
  for (let datagrams = 0; datagrams < 200; datagrams++) {
    await send(100)
    if (datagrams % 20 === 0) await sleep(5)
  }
  await until(() => received.length === sent.length)
  for (const bytes of [0, 1, 1472, 9000, 65_507, 0, 1, 0]) await send(bytes)
  await until(() => received.length === sent.length)
  assert.deepEqual(received, sent)
})

test('a socket that is closed while its datagrams gather is left alone', async () => {
  const socket = await readSocket()
  await using sender = await boundSocket()
  const { port } = socket.address()
  let received = 0
  using reading = new DatagramReading()
  const user = { received: () => ++received > 0, mayGather: () => true }
  new DatagramReader(socket, user, reading)
  for (let number = 0; number < 200; number++) sender.send(datagram(number), port, '127.0.0.1')
  await until(() => received > 120)
  socket.close()
  const atClose = received
  sender.send(datagram(0), port, '127.0.0.1')
  await sleep(3 * CALM_GATHER_MS)
  assert.equal(received, atClose)
})
