import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSource, type SourceUnit } from '#test/support/elementary-source.ts'
import type { ScriptedSource } from '#test/support/webrtc-source.ts'

/** Browsers spread the packets of a picture: at this multiple of the bitrate, as Chromium's pacer does. */
const PACING = 2.5

/** Prepares (once) H.264 without reordered pictures, in GOPs of 2 s at about this bitrate, and Opus. */
export function webrtcMedia(kilobitsPerSecond: number, seconds: number): string {
  const folder = join(tmpdir(), 'tapedeck-bench')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `h264-opus-${kilobitsPerSecond}k-${seconds}s.mp4`)
  if (existsSync(path)) return path
  const source = `testsrc2=size=640x360:rate=30:duration=${seconds},noise=alls=20:allf=t`
  const rate = [
    `-b:v`,
    `${kilobitsPerSecond}k`,
    '-maxrate',
    `${kilobitsPerSecond}k`,
    '-bufsize',
    `${kilobitsPerSecond}k`,
  ]
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', source, '-f', 'lavfi', '-i', `sine=440:duration=${seconds}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline', '-g', '60'],
    ...['-pix_fmt', 'yuv420p', ...rate],
    ...['-c:a', 'libopus', '-b:a', '64k', '-ar', '48000', '-ac', '2', path],
  ])
  return path
}

export function readWebrtcMedia(path: string): Promise<{ readonly units: readonly SourceUnit[] }> {
  return readSource(path, ['h264', 'opus'])
}

/** A packet as it goes out, and when. */
export interface TimedPacket {
  readonly atMs: number
  readonly bytes: Uint8Array
  readonly source: ScriptedSource
  readonly sequenceNumber: number
}

export interface PreparedMedia {
  /** In the order they go out. */
  readonly packets: readonly TimedPacket[]
  readonly accessUnits: number
  /** Of all RTP packets. */
  readonly bytes: number
  readonly durationMs: number
}

/** Packetizes everything beforehand, transport-wide sequence numbers included. Each source is used by one kind of unit. */
export function preparePackets(
  units: readonly SourceUnit[],
  sources: readonly ScriptedSource[],
  kilobitsPerSecond: number,
): PreparedMedia {
  /** When a source may send again: one picture's packets go out before the next one's. */
  const freeMs = new Map<ScriptedSource, number>()
  const timed = units.flatMap((unit) => {
    const source = sources.find(({ medium }) => medium.kind === unit.format.kind)
    if (source === undefined) throw new Error(`${unit.format.kind} was not agreed on`)
    const atMs = (unit.pts * 1000) / unit.format.timescale
    let dueMs = Math.max(atMs, freeMs.get(source) ?? 0)
    const packets = source.packetize(unit, atMs).map((packet) => {
      const due = { atMs: dueMs, packet, source }
      dueMs += (packet.bytes.length * 8) / (PACING * kilobitsPerSecond)
      return due
    })
    freeMs.set(source, dueMs)
    return packets
  })
  timed.sort((a, b) => a.atMs - b.atMs)
  const packets = timed.map(({ atMs, packet, source }, index): TimedPacket => {
    const { bytes, transportWideAt, sequence } = packet
    if (transportWideAt !== undefined) {
      bytes[transportWideAt] = index >>> 8
      bytes[transportWideAt + 1] = index
    }
    return { atMs, bytes, source, sequenceNumber: sequence & 0xffff }
  })
  return {
    packets,
    accessUnits: units.length,
    bytes: packets.reduce((sum, { bytes }) => sum + bytes.length, 0),
    durationMs: packets.at(-1)?.atMs ?? 0,
  }
}
