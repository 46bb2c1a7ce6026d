import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Dice } from '../../../test/fuzz/mutate.ts'
import { SourceClock } from './source-clock.ts'

/** FUZZ_SEED repeats a failure. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)

const VIDEO_HZ = 90_000
const AUDIO_HZ = 48_000

/** Pictures that come all the time, unless the network stands still; and sound. */
function source() {
  const clock = new SourceClock()
  const video = clock.track(VIDEO_HZ, 'video')
  const audio = clock.track(AUDIO_HZ)
  return {
    picture: (ms: number, arrivalMs = ms) => video.ticks((ms * VIDEO_HZ) / 1000, arrivalMs) / 90,
    sound: (ms: number, arrivalMs = ms) => audio.ticks((ms * AUDIO_HZ) / 1000, arrivalMs) / 48,
  }
}

test('a microphone whose clock stood still while it was away goes on at its time', () => {
  const { picture, sound } = source()
  for (let ms = 0; ms < 2_000; ms += 20) {
    picture(ms)
    sound(ms)
  }
  for (let ms = 2_000; ms < 6_000; ms += 40) picture(ms)
  for (let ms = 0; ms < 1_000; ms += 20) {
    picture(6_000 + ms)
    assert.ok(Math.abs(sound(2_000 + ms, 6_000 + ms) - 6_000 - ms) < 1)
  }
})

test('one whose clock went on is left alone; so is what a network has held back', () => {
  const { picture, sound } = source()
  for (let ms = 0; ms < 2_000; ms += 20) {
    picture(ms)
    sound(ms)
  }
  for (let ms = 2_000; ms < 4_000; ms += 40) picture(ms)
  for (let ms = 4_000; ms < 5_000; ms += 20) {
    picture(ms)
    assert.equal(sound(ms), ms)
  }
  // Everything waits for three seconds, and comes at once.
  for (let ms = 5_000; ms < 8_000; ms += 20) {
    picture(ms, 8_000)
    assert.equal(sound(ms, 8_000), ms)
  }
})

test('a microphone that was away goes on at its time, though processors are so busy that pictures pause, too', () => {
  const { picture, sound } = source()
  for (let ms = 0; ms < 2_000; ms += 20) {
    picture(ms)
    sound(ms)
  }
  // All that is sent within 900 ms comes at its end.
  for (let ms = 2_000; ms < 6_500; ms += 40) picture(ms, Math.ceil((ms + 1) / 900) * 900)
  for (let ms = 0; ms < 1_000; ms += 20) {
    picture(6_500 + ms)
    assert.ok(Math.abs(sound(2_000 + ms, 6_500 + ms) - 6_500 - ms) < 1)
  }
})

test('what a network holds back of all tracks is no pause, whichever comes first', () => {
  for (const soundFirst of [true, false]) {
    const { picture, sound } = source()
    for (let ms = 0; ms < 2_000; ms += 20) {
      picture(ms)
      sound(ms)
    }
    // Up to there it came as it was sent, but for some that came late.
    for (let ms = 2_000; ms < 2_800; ms += 20) picture(ms, 2_800)
    for (let ms = 2_000; ms < 2_800; ms += 20) assert.equal(sound(ms, 2_800), ms)
    for (let ms = 2_800; ms < 6_000; ms += 20) {
      if (!soundFirst) picture(ms, 6_000)
      assert.equal(sound(ms, 6_000), ms)
      if (soundFirst) picture(ms, 6_000)
    }
  }
})

test('tracks that report before they begin are in place from the first access unit, however late they come', () => {
  const clock = new SourceClock()
  const video = clock.track(VIDEO_HZ, 'video')
  const audio = clock.track(AUDIO_HZ)
  for (const track of [video, audio]) {
    const counts = { ssrc: 1, compactNtp: 0, packets: 0, payloadBytes: 0, reports: [] }
    track.senderReport({ kind: 'senderReport', rtpTimestamp: 0, wallClockMs: 1_000_000, ...counts }, 0)
  }
  const placed: number[] = []
  for (let ms = 0; ms < 2_000; ms += 20) {
    placed.push(video.ticks((ms * VIDEO_HZ) / 1000, ms) / 90 - ms)
    placed.push(audio.ticks((ms * AUDIO_HZ) / 1000, ms + 120) / 48 - ms)
  }
  assert.deepEqual(new Set(placed), new Set([0]))
})

/** A source over a path that makes everything up to 50 ms late, at random. The wall clock is far from ours. */
function overPath(options: {
  readonly soundReportsAreLate: boolean
  /** By how much later than it was taken sound is said to have been, by the report of that moment. */
  readonly reportLateMs?: (ms: number) => number
  /** From when on what is heard first waits; 0: it does not. */
  readonly holdMs?: number
  readonly soundSlipsAtMs?: number
}) {
  const { soundReportsAreLate, reportLateMs = () => 0, holdMs = 0, soundSlipsAtMs = Number.POSITIVE_INFINITY } = options
  const dice = new Dice(SEED)
  const source = new SourceClock({ soundReportsAreLate })
  const video = source.track(VIDEO_HZ, 'video')
  const audio = source.track(AUDIO_HZ)
  const wallMs = 1_700_000_000_000
  const slipMs = (ms: number) => (ms >= soundSlipsAtMs ? 60 : 0)
  const pictureRtp = (ms: number) => Math.round(ms * 90 + 4_294_900_000) % 2 ** 32
  const soundRtp = (ms: number) => Math.round((ms - slipMs(ms)) * 48 + 77) % 2 ** 32
  const counts = { kind: 'senderReport', ssrc: 1, compactNtp: 0, packets: 0, payloadBytes: 0, reports: [] } as const
  const arrivals: { readonly atMs: number; readonly what: 'picture' | 'sound' | 'reports'; readonly ms: number }[] = []
  const way = () => 10 + dice.roll(51)
  for (let ms = 0; ms < 30_000; ms += 10) {
    // The first picture takes long to compress; sound is sent when its packet is full, and by processors that are busy.
    if (ms % 30 === 0) arrivals.push({ atMs: ms + (ms === 0 ? 90 : 8) + way(), what: 'picture', ms })
    if (ms % 20 === 0 && ms >= 20) arrivals.push({ atMs: ms + way() + dice.roll(30), what: 'sound', ms: ms - 20 })
    if (ms % 1_000 === 500) arrivals.push({ atMs: ms + way(), what: 'reports', ms })
  }
  arrivals.sort((a, b) => a.atMs - b.atMs)
  const points: { readonly ms: number; readonly apartMs: number }[] = []
  let picture = Number.NaN
  const take = ({ what, ms, atMs }: (typeof arrivals)[number]) => {
    if (what === 'picture') picture = video.ticks(pictureRtp(ms), atMs) / 90 - ms
    else {
      const apartMs = audio.ticks(soundRtp(ms), atMs) / 48 - ms - picture
      if (!Number.isNaN(picture)) points.push({ ms, apartMs })
    }
  }
  const held: (typeof arrivals)[number][] = []
  for (const arrival of arrivals) {
    const { what, ms, atMs } = arrival
    if (what === 'reports') {
      video.senderReport({ ...counts, rtpTimestamp: pictureRtp(ms), wallClockMs: wallMs + ms }, atMs)
      // Sound's first comes later, and then every five seconds.
      if ((ms - 2_500) % 5_000 === 0) {
        const rtpTimestamp = soundRtp(ms - reportLateMs(ms))
        audio.senderReport({ ...counts, rtpTimestamp, wallClockMs: wallMs + ms }, atMs)
      }
    } else if (atMs < holdMs) {
      held.push(arrival)
      if (what === 'picture') video.heard(pictureRtp(ms), atMs)
      else audio.heard(soundRtp(ms), atMs)
    } else {
      for (const each of held.splice(0)) take(each)
      take(arrival)
    }
  }
  return points
}

const worst = (points: readonly { readonly apartMs: number }[]) =>
  points.reduce((most, { apartMs }) => Math.max(most, Math.abs(apartMs)), 0)

test(`where reports are exact, so are we, within a millisecond (FUZZ_SEED=${SEED})`, () => {
  const points = overPath({ soundReportsAreLate: false, holdMs: 600 })
  const before = worst(points.filter(({ ms }) => ms < 2_500))
  assert.ok(before < 40, `${before} ms apart before the report of sound`)
  const after = worst(points.filter(({ ms }) => ms > 4_000))
  assert.ok(after < 1, `${after} ms apart`)
})

test(`sound of a browser is beside its pictures from the first, whatever its late reports say (FUZZ_SEED=${SEED})`, () => {
  const reportLateMs = (ms: number) => (ms === 12_500 ? 150 : 20 + (ms % 7) * 5)
  const points = overPath({ soundReportsAreLate: true, holdMs: 600, reportLateMs })
  assert.ok(worst(points) < 25, `${worst(points)} ms apart`)
  const begin = worst(points.filter(({ ms }) => ms < 1_000))
  assert.ok(begin < 25, `${begin} ms apart in the first second`)
})

test(`sound whose clock slips is followed (FUZZ_SEED=${SEED})`, () => {
  const points = overPath({ soundReportsAreLate: true, holdMs: 600, reportLateMs: () => 30, soundSlipsAtMs: 11_000 })
  const late = worst(points.filter(({ ms }) => ms < 11_000 || ms > 25_000))
  assert.ok(late < 25, `${late} ms apart`)
})

/**
 * A camera: pictures and sound of a busy processor, whose first packets come late, and whose reports do, too, or are off.
 * Gives how its tracks were moved, and how far they are apart.
 */
function camera(options: {
  readonly firstReportMs: number
  readonly everyMs: number
  readonly firstLateMs: number
  readonly wayMs: () => number
  readonly offMs: (report: number) => number
}) {
  const source = new SourceClock()
  const tracks = { video: source.track(VIDEO_HZ, 'video'), audio: source.track(AUDIO_HZ) }
  const kHz = { video: VIDEO_HZ / 1_000, audio: AUDIO_HZ / 1_000 }
  const counts = { kind: 'senderReport', ssrc: 1, compactNtp: 0, packets: 0, payloadBytes: 0, reports: [] } as const
  type Kind = keyof typeof tracks
  const events: { readonly atMs: number; readonly kind: Kind; readonly ms: number; readonly report?: number }[] = []
  for (const [kind, everyMs] of Object.entries({ video: 40, audio: 20 }) as [Kind, number][]) {
    let atMs = kind === 'video' ? options.firstLateMs : 0
    for (let ms = 0; ms < 60_000; ms += everyMs) {
      // A path that keeps the order.
      atMs = Math.max(atMs, ms)
      events.push({ atMs, kind, ms })
    }
    for (let [ms, report] = [options.firstReportMs, 0]; ms < 60_000; ms += options.everyMs, report++)
      events.push({ atMs: ms + options.wayMs(), kind, ms, report })
  }
  events.sort((a, b) => a.atMs - b.atMs)
  const last = { video: { ms: -1, at: 0 }, audio: { ms: -1, at: 0 } }
  const share = { video: 0, audio: 0 }
  const apart: { readonly ms: number; readonly apartMs: number }[] = []
  for (const { atMs, kind, ms, report } of events) {
    const rtpTimestamp = ms * kHz[kind]
    if (report !== undefined) {
      const wallClockMs = 1_700_000_000_000 + ms + options.offMs(report)
      tracks[kind].senderReport({ ...counts, rtpTimestamp, wallClockMs }, atMs)
      continue
    }
    const at = tracks[kind].ticks(rtpTimestamp, atMs) / kHz[kind]
    const before = last[kind]
    // A tick of rounding.
    if (before.ms >= 0)
      share[kind] = Math.max(share[kind], Math.abs(at - before.at - (ms - before.ms)) / (ms - before.ms) - 0.002)
    last[kind] = { ms, at }
    const apartMs = last.video.at - last.video.ms - (last.audio.at - last.audio.ms)
    if (last.video.ms >= 0 && last.audio.ms >= 0) apart.push({ ms, apartMs })
  }
  return { share, apart }
}

test(`what the reports of a busy camera move is moved gradually, and one that is off moves nothing (FUZZ_SEED=${SEED})`, () => {
  const dice = new Dice(SEED)
  for (let run = 0; run < 20; run++) {
    const everyMs = 1_000 * (1 + dice.roll(5))
    const firstReportMs = 500 + dice.roll(4_000)
    const waysMs = dice.roll(3_000)
    // Of the first five none: what is learned from them has to be right.
    const isOff = (report: number) => report >= 5 && report % 4 === 1
    const { share, apart } = camera({
      firstReportMs,
      everyMs,
      firstLateMs: dice.roll(100),
      wayMs: () => dice.roll(waysMs + 1),
      offMs: (report) => (isOff(report) ? dice.roll(400) - 200 : dice.roll(10)),
    })
    assert.ok(share.video <= 0.2 && share.audio <= 0.05, JSON.stringify(share))
    const late = worst(apart.filter(({ ms }) => ms > firstReportMs + waysMs + 2_000))
    assert.ok(late <= 40, `${late} ms apart, with reports every ${everyMs} ms`)
  }
})
