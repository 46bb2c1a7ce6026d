import type { AccessUnit } from '#media/access-unit.ts'

/** sample_flags (ISO/IEC 14496-12 §8.8.3.1): depends on no other sample. */
export const SYNC_SAMPLE_FLAGS = 0x0200_0000
/** sample_flags: depends on others, is no sync sample. */
export const NON_SYNC_SAMPLE_FLAGS = 0x0101_0000
/** The bit that says "not a sync sample". */
export const NON_SYNC_BIT = 0x0001_0000

/** Which optional fields tfhd (§8.8.7) and trun (§8.8.8) have. */
export const TFHD = {
  baseDataOffset: 0x01,
  sampleDescription: 0x02,
  defaultDuration: 0x08,
  defaultSize: 0x10,
  defaultFlags: 0x20,
  defaultBaseIsMoof: 0x02_0000,
} as const
export const TRUN = {
  dataOffset: 0x001,
  firstSampleFlags: 0x004,
  duration: 0x100,
  size: 0x200,
  flags: 0x400,
  compositionOffset: 0x800,
} as const

/** The samples that one track has in a fragment: the first `count` of the three lists, which run in step. */
export interface TrackRun {
  readonly trackId: number
  /** sample_description_index, from 1. */
  readonly sampleDescription: number
  readonly accessUnits: readonly AccessUnit[]
  /** Media times, ticks of the track. Beyond `count` may stand the sample that gives the last its duration. */
  readonly dts: Readonly<Float64Array>
  readonly pts: Readonly<Float64Array>
  readonly count: number
  /** Of the sample count-1. */
  readonly lastDurationTicks: number
}

/** What a run needs per sample, found in one pass before writing. */
interface RunShape {
  readonly run: TrackRun
  readonly payloadBytes: number
  readonly tfhdFlags: number
  readonly trunFlags: number
  readonly defaultDuration: number
  readonly defaultFlags: number
  readonly firstFlags: number
}

export interface FragmentHead {
  /** moof, and the header of the mdat whose content is the runs' payloads, one run after the other. */
  readonly bytes: Uint8Array
  /** Content of that mdat. */
  readonly payloadBytes: number
}

const MDAT_HEADER_BYTES = 8

/**
 * Movie Fragment Box, §8.8.4. The hot path of a recording, so it is written field by field into one buffer instead of
 * being composed of boxes.
 *
 *     moof ─ mfhd
 *          └ traf (each track with samples) ─ tfhd, tfdt, trun
 */
export function fragmentHead(sequenceNumber: number, runs: readonly TrackRun[]): FragmentHead {
  const shapes = runs.map(shapeOf)
  let moofBytes = 8 + 16
  let payloadBytes = 0
  for (const shape of shapes) {
    moofBytes += trafBytes(shape)
    payloadBytes += shape.payloadBytes
  }
  const bytes = new Uint8Array(moofBytes + MDAT_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  let at = header(view, 0, moofBytes, MOOF)
  at = header(view, at, 16, MFHD)
  view.setUint32(at, 0) // version, flags
  view.setUint32(at + 4, sequenceNumber)
  at += 8
  let dataOffset = moofBytes + MDAT_HEADER_BYTES
  for (const shape of shapes) {
    at = traf(view, at, shape, dataOffset)
    dataOffset += shape.payloadBytes
  }
  header(view, at, MDAT_HEADER_BYTES + payloadBytes, MDAT)
  return { bytes, payloadBytes }
}

const MOOF = 0x6d6f_6f66
const MFHD = 0x6d66_6864
const TRAF = 0x7472_6166
const TFHD_TYPE = 0x7466_6864
const TFDT = 0x7466_6474
const TRUN_TYPE = 0x7472_756e
const MDAT = 0x6d64_6174

function shapeOf(run: TrackRun): RunShape {
  const { accessUnits, dts, pts, count } = run
  const firstDuration = sampleDuration(run, 0)
  let sameDuration = true
  let anyOffset = false
  let syncs = 0
  let payloadBytes = 0
  for (let i = 0; i < count; i++) {
    const accessUnit = accessUnits[i]
    if (accessUnit === undefined) break
    payloadBytes += accessUnit.payloadBytes
    if (accessUnit.isRandomAccess) syncs++
    if (pts[i] !== dts[i]) anyOffset = true
    if (sameDuration && sampleDuration(run, i) !== firstDuration) sameDuration = false
  }
  const firstIsSync = accessUnits[0]?.isRandomAccess === true
  const onlyFirstIsSync = firstIsSync && syncs === 1 && count > 1
  const mixed = syncs > 0 && syncs < count && !onlyFirstIsSync
  return {
    run,
    payloadBytes,
    tfhdFlags:
      TFHD.defaultBaseIsMoof | TFHD.sampleDescription | TFHD.defaultFlags | (sameDuration ? TFHD.defaultDuration : 0),
    trunFlags:
      TRUN.dataOffset |
      TRUN.size |
      (onlyFirstIsSync ? TRUN.firstSampleFlags : 0) |
      (sameDuration ? 0 : TRUN.duration) |
      (mixed ? TRUN.flags : 0) |
      (anyOffset ? TRUN.compositionOffset : 0),
    defaultDuration: firstDuration,
    defaultFlags: syncs === count ? SYNC_SAMPLE_FLAGS : NON_SYNC_SAMPLE_FLAGS,
    firstFlags: SYNC_SAMPLE_FLAGS,
  }
}

/** Up to the next DTS; of the last sample, what the run says. */
export function sampleDuration(run: TrackRun, index: number): number {
  if (index + 1 >= run.count) return run.lastDurationTicks
  return (run.dts[index + 1] ?? 0) - (run.dts[index] ?? 0)
}

function trafBytes({ run, tfhdFlags, trunFlags }: RunShape): number {
  const tfhdBytes = 12 + 4 + 4 + (tfhdFlags & TFHD.defaultDuration ? 4 : 0) + 4
  return (
    8 + tfhdBytes + 20 + 12 + 4 + 4 + (trunFlags & TRUN.firstSampleFlags ? 4 : 0) + run.count * entryBytes(trunFlags)
  )
}

function entryBytes(trunFlags: number): number {
  return (
    4 +
    (trunFlags & TRUN.duration ? 4 : 0) +
    (trunFlags & TRUN.flags ? 4 : 0) +
    (trunFlags & TRUN.compositionOffset ? 4 : 0)
  )
}

/** Track Fragment Box, §8.8.6. Returns where it ends. */
function traf(view: DataView, start: number, shape: RunShape, dataOffset: number): number {
  const { run, tfhdFlags, trunFlags } = shape
  const size = trafBytes(shape)
  let at = header(view, start, size, TRAF)
  // Track Fragment Header Box, §8.8.7
  at = header(view, at, 20 + (tfhdFlags & TFHD.defaultDuration ? 4 : 0) + 4, TFHD_TYPE)
  at = put(view, at, tfhdFlags) // version 0
  at = put(view, at, run.trackId)
  at = put(view, at, run.sampleDescription)
  if (tfhdFlags & TFHD.defaultDuration) at = put(view, at, shape.defaultDuration)
  at = put(view, at, shape.defaultFlags)
  // Track Fragment Decode Time Box, §8.8.12, version 1: 32 bits would last 13 hours at 90 kHz
  at = header(view, at, 20, TFDT)
  at = put(view, at, 0x0100_0000)
  const baseDts = run.dts[0] ?? 0
  at = put(view, at, Math.floor(baseDts / 0x1_0000_0000))
  at = put(view, at, baseDts % 0x1_0000_0000)
  // Track Run Box, §8.8.8, version 1: signed composition offsets
  at = header(view, at, start + size - at, TRUN_TYPE)
  at = put(view, at, 0x0100_0000 | trunFlags)
  at = put(view, at, run.count)
  at = put(view, at, dataOffset)
  if (trunFlags & TRUN.firstSampleFlags) at = put(view, at, shape.firstFlags)
  for (let i = 0; i < run.count; i++) {
    const accessUnit = run.accessUnits[i]
    if (trunFlags & TRUN.duration) at = put(view, at, sampleDuration(run, i))
    at = put(view, at, accessUnit?.payloadBytes ?? 0)
    if (trunFlags & TRUN.flags) {
      at = put(view, at, accessUnit?.isRandomAccess === true ? SYNC_SAMPLE_FLAGS : NON_SYNC_SAMPLE_FLAGS)
    }
    if (trunFlags & TRUN.compositionOffset) at = put(view, at, (run.pts[i] ?? 0) - (run.dts[i] ?? 0))
  }
  return at
}

function header(view: DataView, at: number, size: number, type: number): number {
  view.setUint32(at, size)
  view.setUint32(at + 4, type)
  return at + 8
}

function put(view: DataView, at: number, value: number): number {
  view.setUint32(at, value)
  return at + 4
}
