import { childBoxes, findChild, parsing, requireChild, viewOf } from './box-reader.ts'
import { NON_SYNC_BIT, TFHD, TRUN } from './fragment.ts'

/** Samples of one track in a fragment, as its traf tells; times in ticks of the track. */
export interface FragmentTrack {
  readonly trackId: number
  readonly sampleDescription: number
  readonly baseDts: number
  /** From the first byte of the moof to the first payload byte. */
  readonly dataOffset: number
  readonly samples: readonly FragmentSample[]
}

export interface FragmentSample {
  readonly sizeBytes: number
  readonly durationTicks: number
  readonly compositionOffset: number
  readonly isSync: boolean
}

/** The content of a moof of ours. @throws {DamagedError} */
export function readFragment(moofContent: Uint8Array): FragmentTrack[] {
  return parsing('moof', () =>
    childBoxes(moofContent, 'moof')
      .filter((child) => child.type === 'traf')
      .map((child) => readTraf(child.content)),
  )
}

function readTraf(content: Uint8Array): FragmentTrack {
  const children = childBoxes(content, 'traf')
  const tfhd = viewOf(requireChild(children, 'tfhd', 8))
  const tfhdFlags = tfhd.getUint32(0) & 0xff_ffff
  let at = 8 + (tfhdFlags & TFHD.baseDataOffset ? 8 : 0)
  const optional = (flag: number, absent: number) => {
    if (!(tfhdFlags & flag)) return absent
    at += 4
    return tfhd.getUint32(at - 4)
  }
  const sampleDescription = optional(TFHD.sampleDescription, 1)
  const defaultDuration = optional(TFHD.defaultDuration, 0)
  const defaultSize = optional(TFHD.defaultSize, 0)
  const defaultFlags = optional(TFHD.defaultFlags, 0)
  const tfdt = viewOf(requireChild(children, 'tfdt', 8))
  const baseDts = tfdt.getUint8(0) === 1 ? Number(tfdt.getBigUint64(4)) : tfdt.getUint32(4)
  const trun = findChild(children, 'trun')
  const run = trun === undefined ? NO_SAMPLES : readTrun(viewOf(trun), defaultDuration, defaultSize, defaultFlags)
  return { trackId: tfhd.getUint32(4), sampleDescription, baseDts, ...run }
}

const NO_SAMPLES = { dataOffset: 0, samples: [] }

function readTrun(trun: DataView, defaultDuration: number, defaultSize: number, defaultFlags: number) {
  const flags = trun.getUint32(0) & 0xff_ffff
  const count = trun.getUint32(4)
  let at = 8
  const optional = (flag: number, absent: number) => {
    if (!(flags & flag)) return absent
    at += 4
    return trun.getUint32(at - 4)
  }
  const dataOffset = optional(TRUN.dataOffset, 0)
  const firstFlags = optional(TRUN.firstSampleFlags, defaultFlags)
  const samples: FragmentSample[] = []
  for (let i = 0; i < count; i++) {
    const durationTicks = optional(TRUN.duration, defaultDuration)
    const sizeBytes = optional(TRUN.size, defaultSize)
    const sampleFlags = optional(TRUN.flags, i === 0 ? firstFlags : defaultFlags)
    const compositionOffset = optional(TRUN.compositionOffset, 0) | 0
    samples.push({ sizeBytes, durationTicks, compositionOffset, isSync: (sampleFlags & NON_SYNC_BIT) === 0 })
    // Without per-sample fields the count alone could claim billions
    if (at > trun.byteLength || count > MAX_SAMPLES) throw new RangeError('trun is shorter than it says')
  }
  return { dataOffset, samples }
}

/** Of one run: a second has fewer by orders of magnitude. */
const MAX_SAMPLES = 1_000_000
