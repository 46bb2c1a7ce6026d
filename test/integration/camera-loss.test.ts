import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeBye } from '#protocols/rtp/rtcp.ts'
import { assertPlaysAlone, judgedFile } from '#test/support/packet-judge.ts'
import { program } from '#test/support/programs.ts'
import { RecordedCamera } from '#test/support/recorded-camera.ts'
import { partPaths } from '#test/support/recording-judge.ts'
import { CameraTrack } from '#test/support/scripted-camera.ts'
import { Dice } from '../fuzz/mutate.ts'

/** FUZZ_SEED repeats a failure. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const SECONDS = 20
/** Pictures come as much faster than they were taken. */
const SPEED = 4
const FRAME_MS = 40
const SWAPPED_PERCENT = 5
/** Longer than a missing packet is waited for. */
const SETTLE_MS = 500

for (const percent of [1, 5]) {
  test(`a camera over UDP with ${percent} % lost and others swapped: the file plays, and the ledger is exact (FUZZ_SEED=${SEED})`, {
    timeout: 90_000,
  }, async () => {
    await using scene = await RecordedCamera.open({ transport: 'udp' })
    const { source, units: withSets } = await scene.footage('320x180', SECONDS)
    // A random access point that lacks only its parameter sets is whole: they are known since the first.
    const units = source.units.map((unit, index) => (index === 0 ? (withSets[0] ?? unit) : unit))
    const peer = await scene.camera.peer(0)
    const dice = new Dice(SEED)
    const track = new CameraTrack(96)
    const keys = units.flatMap(({ isRandomAccess }, index) => (isRandomAccess ? [index] : []))
    // What comes first and last can't be missed: nothing before, or behind, tells of it.
    const [from = 0, to = 0] = [1, keys.at(-1)]
    let dropped = 0
    let isBroken = false
    const shown: number[] = []
    const startMs = performance.now()
    for (const [index, unit] of units.entries()) {
      const packets = track.packets(unit)
      const kept = packets.filter(() => index < from || index >= to || dice.roll(100) >= percent)
      dropped += packets.length - kept.length
      if (kept.length < packets.length) isBroken = true
      else if (unit.isRandomAccess) isBroken = false
      if (!isBroken) shown.push(index)
      for (let at = 0; at + 1 < kept.length; at++) {
        if (index >= from && dice.roll(100) < SWAPPED_PERCENT)
          kept.splice(at, 2, ...kept.slice(at, at + 2).toReversed())
      }
      for (const packet of kept) peer.send(0, packet)
      await sleep(Math.max(0, startMs + ((index + 1) * FRAME_MS) / SPEED - performance.now()))
    }
    await sleep(SETTLE_MS)
    peer.send(0, writeBye(track.ssrc), true)

    const recording = await scene.recording()
    assert.ok(dropped > 0)
    const [path = '', ...others] = partPaths(recording)
    assert.deepEqual(others, [])
    const [got, sent] = [await judgedFile(path, 'bare'), await judgedFile(source.path, 'bare')]
    assert.deepEqual(
      got.tracks[0]?.packets.map(({ hash }) => hash),
      shown.map((index) => sent.tracks[0]?.packets[index]?.hash),
    )
    assertPlaysAlone(got, path)
    // Any picture that refers to a missing one would be complained about.
    await program('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-'])
    const { tracks, gaps } = recording.ledger
    assert.deepEqual([...new Set(gaps.map(({ cause }) => cause))], ['network'])
    const sum = (of: (gap: (typeof gaps)[number]) => number) => gaps.reduce((total, gap) => total + of(gap), 0)
    assert.equal(
      sum(({ packets }) => packets),
      dropped,
      'packets',
    )
    assert.equal(tracks.length, 1)
    assert.equal(tracks[0]?.written, shown.length)
    assert.equal(
      tracks[0].lost,
      sum(({ accessUnits }) => accessUnits),
    )
    // Of what is lost whole only its packets are known.
    assert.ok(tracks[0].lost <= units.length - shown.length && tracks[0].lost > 0)
  })
}
