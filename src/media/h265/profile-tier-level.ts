import type { BitReader } from '../bits.ts'

/** The general part of profile_tier_level(). ITU-T H.265 §7.3.3. */
export interface ProfileTierLevel {
  readonly profileSpace: number
  readonly highTier: boolean
  readonly profileIdc: number
  /** general_profile_compatibility_flag[0] is the most significant bit. */
  readonly compatibilityFlags: number
  /** The 48 bits from general_progressive_source_flag on, as 6 bytes. */
  readonly constraintBytes: readonly number[]
  readonly levelIdc: number
}

/** profile_tier_level( 1, maxSubLayersMinus1 ), sub-layers skipped. */
export function readProfileTierLevel(reader: BitReader, maxSubLayersMinus1: number): ProfileTierLevel {
  const profileSpace = reader.u(2)
  const highTier = reader.flag()
  const profileIdc = reader.u(5)
  const compatibilityFlags = reader.u(32)
  const constraintBytes = Array.from({ length: 6 }, () => reader.u(8))
  const levelIdc = reader.u(8)
  const present: { profile: boolean; level: boolean }[] = []
  for (let i = 0; i < maxSubLayersMinus1; i++) present.push({ profile: reader.flag(), level: reader.flag() })
  if (maxSubLayersMinus1 > 0) reader.skip(2 * (8 - maxSubLayersMinus1)) // reserved_zero_2bits
  for (const { profile, level } of present) reader.skip((profile ? 88 : 0) + (level ? 8 : 0))
  return { profileSpace, highTier, profileIdc, compatibilityFlags, constraintBytes, levelIdc }
}
