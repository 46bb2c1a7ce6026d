import { CONTAINER_NAMES } from '#containers/container.ts'
import { AAC_ENCODERS, DEFAULT_AAC_ENCODER } from '#transcode/target.ts'
import { Key } from '../key.ts'
import { byteSize } from '../values/byte-size.ts'
import { choice } from '../values/choice.ts'
import { integer } from '../values/integer.ts'
import { oneOrMore } from '../values/list.ts'
import { nameTemplate } from '../values/name-template.ts'
import { seconds } from '../values/seconds.ts'
import { text } from '../values/text.ts'

/** Formats a configuration may ask for. */
export const RECORDING_FORMATS = ['auto', ...CONTAINER_NAMES] as const

/** Where recordings go and how they are written. */
export const RECORDINGS_KEYS = {
  root: new Key(oneOrMore(text('a folder', { minLength: 1 }), 'folders'), {
    default: './recordings',
    about: 'Folder of the recordings, or a list of allowed ones; the first takes new recordings.',
    flag: '--recordings <folder>',
  }),
  name: new Key(nameTemplate, {
    default: '{app}/{stream}/{date}-{time}',
    about:
      'Name of a recording below the root, without its extension; docs/guide/03-recording-options.md lists the elements.',
  }),
  format: new Key(choice(RECORDING_FORMATS), {
    default: 'auto',
    about:
      "File format where a request names none. auto: WebM for VP8 or VP9 (unless their sound is MP4's own), else MP4; where that does not carry the codecs, FLV or Matroska.",
    flag: '--format <format>',
  }),
  durability: new Key(choice(['process', 'power']), {
    default: 'process',
    about:
      'process: a killed server costs at most a second. power: a power cut too, at the price of a disk flush a second.',
  }),
  keep: {
    days: new Key(integer({ min: 0, unit: 'days', zeroMeans: 'no limit' }), {
      default: 0,
      about: 'Finished recordings older than this are deleted. 0: never.',
    }),
    bytes: new Key(byteSize({ zeroMeans: 'no limit' }), {
      default: 0,
      about: 'When all recordings together are larger than this, the oldest finished ones are deleted. 0: no limit.',
    }),
    count: new Key(integer({ min: 0, unit: 'recordings', zeroMeans: 'no limit' }), {
      default: 0,
      about: 'When there are more recordings than this, the oldest finished ones are deleted. 0: no limit.',
    }),
    minFreeBytes: new Key(byteSize({ zeroMeans: 'no floor' }), {
      default: '1GiB',
      about: 'Writing stops before the disk has less than this free, and resumes by itself. 0: no floor.',
    }),
  },
  fragmentMs: new Key(integer({ min: 100, max: 10_000, unit: 'milliseconds' }), {
    // What a kill costs besides, measured from the encoder's last byte: 200 ms of gathered reads (decision 0010), the
    // access unit that closes the fragment and the one that waits for its successor. At 15 fps it is 933 ms in all.
    default: 600,
    about:
      'Media of this many milliseconds goes to the file at a time. A killed server costs at most this, and up to 350 ms that are on their way.',
  }),
  trackWaitMs: new Key(integer({ min: 0, max: 60_000, unit: 'milliseconds' }), {
    // What is gathered meanwhile is in no file yet, so the wait is part of what a kill may cost, as above.
    default: 700,
    about: 'How long a new recording waits for a second track (audio beside video) before its file starts.',
  }),
  reconnectSeconds: new Key(integer({ min: 0, max: 86_400, unit: 'seconds' }), {
    default: 0,
    about:
      'A recording survives its publisher this long, and goes on when the same stream returns. 0: it ends at once.',
  }),
  preRollSeconds: new Key(seconds({ min: 0, max: 3_600 }), {
    default: 0,
    about:
      'This much of every stream is remembered, within limits.preRollBytes each, so that recordings with preRollSeconds may begin in the past. Rules that ask for more get it for the streams they match.',
  }),
  aacEncoder: new Key(choice(AAC_ENCODERS), {
    default: DEFAULT_AAC_ENCODER,
    about:
      'Encoder for sound that has to be transcoded to AAC. libfdk_aac sounds better at low bitrates; whether you may use it is for you to find out.',
  }),
  mp4IndexBytes: new Key(byteSize({ min: 1024, max: 1024 ** 3 }), {
    default: '1MiB',
    about:
      'Room kept at the front of an MP4 of unknown length for its index; a larger index goes to the end of the file.',
  }),
}
