import { strict as assert } from 'node:assert'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { ElementarySource } from './elementary-source.ts'
import { ffprobe } from './outside-judges.ts'

const run = promisify(execFile)

/** Times are whole milliseconds, each rounded once. */
const ROUNDING_MS = 0.51

/** What ffprobe should see: no complaints, a key first on every track, every PTS as it came, from zero on. */
export async function assertPresentedAt(path: string, source: Pick<ElementarySource, 'formats' | 'units'>) {
  const probed = await ffprobe(path)
  assert.equal(probed.streams.length, source.formats.length)
  const zeroSeconds = Math.min(...source.units.map((unit) => unit.pts / unit.format.timescale))
  for (const [index, format] of source.formats.entries()) {
    const packets = probed.packets.filter((packet) => packet.stream_index === index)
    const units = source.units.filter((unit) => unit.format.trackId === format.trackId)
    assert.equal(packets.length, units.length, format.codec)
    for (const [number, packet] of packets.entries()) {
      const unit = units[number]
      assert.ok(unit !== undefined)
      const expectedMs = (unit.pts / format.timescale - zeroSeconds) * 1000
      const offMs = Math.abs(Number(packet.pts_time) * 1000 - expectedMs)
      assert.ok(offMs <= ROUNDING_MS, `${format.codec} ${number}: ${offMs} ms off`)
      assert.equal(packet.flags.startsWith('K'), unit.isRandomAccess, `${format.codec} ${number}`)
    }
  }
  return probed
}

/** mkvtoolnix reads the whole file without a warning (for which it exits with 1). */
export async function assertMergeable(path: string): Promise<void> {
  const { stdout } = await run('mkvmerge', ['--output', `${path}.merged`, path])
  assert.doesNotMatch(stdout, /warning|error/i)
}

/** An element of a file at its top level, or of its Segment. */
export interface ListedElement {
  /** As the file's bytes have it, in hex. */
  readonly id: string
  readonly position: number
  readonly contentAt: number
  /** -1: unknown. */
  readonly contentBytes: number
}

/** EBML, Segment and what is in the Segment, read here without any code of ours. */
export function segmentElements(bytes: Uint8Array): ListedElement[] {
  const elements: ListedElement[] = []
  for (let at = 0; at < bytes.length; ) {
    const element = elementAt(bytes, at)
    elements.push(element)
    const goesInside = element.id === '18538067'
    at = goesInside ? element.contentAt : element.contentAt + element.contentBytes
  }
  return elements
}

/** The elements inside another. */
export function childElements(bytes: Uint8Array, parent: ListedElement): ListedElement[] {
  const children: ListedElement[] = []
  for (let at = parent.contentAt; at < parent.contentAt + parent.contentBytes; ) {
    const child = elementAt(bytes, at)
    children.push(child)
    at = child.contentAt + child.contentBytes
  }
  return children
}

/** The unsigned integer that an element holds. */
export function uintOf(bytes: Uint8Array, { contentAt, contentBytes }: ListedElement): number {
  return Number(`0x${hexOf(bytes, contentAt, contentBytes)}`)
}

function elementAt(bytes: Uint8Array, position: number): ListedElement {
  const idBytes = Math.clz32(bytes[position] ?? 0) - 23
  const sizeAt = position + idBytes
  const sizeBytes = Math.clz32(bytes[sizeAt] ?? 0) - 23
  const size = BigInt(`0x${hexOf(bytes, sizeAt, sizeBytes)}`) & ((1n << BigInt(7 * sizeBytes)) - 1n)
  const isUnknown = size === (1n << BigInt(7 * sizeBytes)) - 1n
  return {
    id: hexOf(bytes, position, idBytes),
    position,
    contentAt: sizeAt + sizeBytes,
    contentBytes: isUnknown ? -1 : Number(size),
  }
}

const hexOf = (bytes: Uint8Array, at: number, length: number) =>
  Buffer.from(bytes.subarray(at, at + length)).toString('hex')
