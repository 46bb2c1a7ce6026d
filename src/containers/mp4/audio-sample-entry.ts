import { CodecUnsupportedError } from '#containers/errors.ts'
import type { AudioFormat } from '#media/track.ts'
import { type Bytes, box, fullBox, u8, u16, u32 } from './box.ts'
import { esds, mp3ObjectType, OBJECT_TYPE_AAC } from './esds.ts'

/** A sample entry of the format's codec: AudioSampleEntry with the codec's own box. @throws {CodecUnsupportedError} */
export function audioDescription(format: AudioFormat): Bytes {
  const { configuration, announcedBitrateBps } = format
  switch (format.codec) {
    case 'aac':
      return audioSampleEntry('mp4a', format, [esds('audio', OBJECT_TYPE_AAC, announcedBitrateBps, configuration)])
    case 'mp3':
      return audioSampleEntry('mp4a', format, [
        esds('audio', mp3ObjectType(format.sampleRateHz), announcedBitrateBps, new Uint8Array(0)),
      ])
    case 'opus':
      return audioSampleEntry('Opus', format, [dOps(format)])
    case 'flac':
      return audioSampleEntry('fLaC', format, [dfLa(configuration)])
    case 'ac3':
      return audioSampleEntry('ac-3', format, [box('dac3', [configuration])])
    case 'eac3':
      return audioSampleEntry('ec-3', format, [box('dec3', [configuration])])
    case 'pcma':
      return audioSampleEntry('alaw', format, [])
    case 'pcmu':
      return audioSampleEntry('ulaw', format, [])
    case 'vorbis':
    case 'l16':
    case 'g722':
    case 'g726':
      throw new CodecUnsupportedError('MP4', format.codec, 'no sample entry that players know')
  }
}

/** AudioSampleEntry, ISO/IEC 14496-12 §12.2.3. */
function audioSampleEntry(type: string, format: AudioFormat, children: readonly Bytes[]): Bytes {
  const rateHz = format.codec === 'opus' ? 48_000 : format.sampleRateHz
  return box(type, [
    u32(0),
    u16(0), // reserved
    u16(1), // data_reference_index
    u32(0, 0), // reserved
    u16(format.channels), // channelcount
    u16(16), // samplesize: 16 for compressed audio
    u16(0), // pre_defined
    u16(0), // reserved
    // samplerate, 16.16; what does not fit is 0 and read from the codec's own box
    u32(rateHz <= 0xffff ? rateHz * 0x1_0000 : 0),
    ...children,
  ])
}

/** OpusSpecificBox, "Encapsulation of Opus in ISOBMFF" §4.3.2: OpusHead with big-endian fields and version 0. */
function dOps(format: AudioFormat): Bytes {
  const head = format.configuration
  if (head.length < 19) return box('dOps', [u8(0, format.channels), u16(0), u32(48_000), u16(0), u8(0)])
  const view = new DataView(head.buffer, head.byteOffset, head.length)
  return box('dOps', [
    u8(0), // Version
    u8(view.getUint8(9)), // OutputChannelCount
    u16(view.getUint16(10, true)), // PreSkip
    u32(view.getUint32(12, true)), // InputSampleRate
    u16(view.getUint16(16, true)), // OutputGain
    head.subarray(18), // ChannelMappingFamily, and its table
  ])
}

/** FLACSpecificBox, "Encapsulation of FLAC in ISOBMFF" §3.3.2: STREAMINFO as the last and only metadata block. */
const dfLa = (streamInfo: Uint8Array): Bytes =>
  fullBox('dfLa', 0, 0, [
    u8(0x80), // LastMetadataBlockFlag, BlockType 0
    u8(0), // Length, 24 bits
    u16(streamInfo.length),
    streamInfo,
  ])
