import type { BitReader } from '../bits.ts'

/**
 * Reads a program_config_element() to its end and counts its channels. ISO/IEC 14496-3 §4.4.1.1. Bytes are aligned
 * relative to the reader's start, as they are inside an AudioSpecificConfig.
 */
export function readProgramConfigChannels(reader: BitReader): number {
  reader.skip(4 + 2 + 4) // element_instance_tag, object_type, sampling_frequency_index
  const pairable = reader.u(4) + reader.u(4) + reader.u(4) // front, side and back elements
  const lfe = reader.u(2)
  const associatedData = reader.u(3)
  const coupling = reader.u(4)
  if (reader.flag()) reader.skip(4) // mono_mixdown_element_number
  if (reader.flag()) reader.skip(4) // stereo_mixdown_element_number
  if (reader.flag()) reader.skip(3) // matrix_mixdown_idx, pseudo_surround_enable
  let channels = lfe
  for (let i = 0; i < pairable; i++) {
    channels += reader.flag() ? 2 : 1 // element_is_cpe
    reader.skip(4) // element_tag_select
  }
  reader.skip(4 * lfe + 4 * associatedData + 5 * coupling)
  reader.align()
  reader.skip(8 * reader.u(8)) // comment_field_data
  return channels
}
