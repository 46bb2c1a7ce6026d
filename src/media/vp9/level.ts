/** Level × 10, largest luma picture size, largest luma sample rate. VP9 levels, webmproject.org/vp9/levels. */
const LEVELS: readonly (readonly [level: number, pictureSamples: number, samplesPerSecond: number])[] = [
  [10, 36_864, 829_440],
  [11, 73_728, 2_764_800],
  [20, 122_880, 4_608_000],
  [21, 245_760, 9_216_000],
  [30, 552_960, 20_736_000],
  [31, 983_040, 36_864_000],
  [40, 2_228_224, 83_558_400],
  [41, 2_228_224, 160_432_128],
  [50, 8_912_896, 311_951_360],
  [51, 8_912_896, 588_251_136],
  [52, 8_912_896, 1_176_502_272],
  [60, 35_651_584, 1_176_502_272],
  [61, 35_651_584, 2_353_004_544],
  [62, 35_651_584, 4_706_009_088],
]

/** Rate assumed when nothing promises one: what a live encoder most often sends. */
const ASSUMED_FRAME_RATE = 30

/** Lowest level (times ten) that allows such pictures; 62 when none does, 10 when the size is unknown. */
export function vp9Level(widthPixels: number, heightPixels: number, frameRateHint: number): number {
  const samples = widthPixels * heightPixels
  const perSecond = samples * (frameRateHint || ASSUMED_FRAME_RATE)
  const fitting = LEVELS.find(([, pictureSamples, rate]) => samples <= pictureSamples && perSecond <= rate)
  return fitting?.[0] ?? 62
}
