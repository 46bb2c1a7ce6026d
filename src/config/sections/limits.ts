import { Key } from '../key.ts'
import { byteSize } from '../values/byte-size.ts'
import { integer } from '../values/integer.ts'

/** Bounds of what one server takes on. */
export const LIMITS_KEYS = {
  publishers: new Key(integer({ min: 1, max: 100_000, unit: 'publishers' }), {
    default: 2000,
    about: 'Streams published at a time; more are refused.',
  }),
  pulls: new Key(integer({ min: 0, max: 10_000, unit: 'pulls' }), {
    default: 500,
    about: 'Streams fetched from other servers at a time, those of the configuration included.',
  }),
  pullProcesses: new Key(integer({ min: 0, max: 10_000, unit: 'processes' }), {
    default: 50,
    about:
      'Sources read over http, https, srt, udp or from files at a time, and transport streams over RTSP: each is a process of about 90 MB. Others wait.',
  }),
  pages: new Key(integer({ min: 0, max: 1_000, unit: 'pages' }), {
    default: 4,
    about: 'Pages recorded at a time: each is a browser of about 400 MB that takes most of a core. Others wait.',
  }),
  uploads: new Key(integer({ min: 0, max: 1_000, unit: 'uploads' }), {
    default: 4,
    about: 'Files uploaded into the library at a time; more are refused. 0: none may be.',
  }),
  uploadBytes: new Key(byteSize({ min: 1024, max: 1024 ** 4 }), {
    default: '16GiB',
    about: 'Largest file that may be uploaded. While it is taken over it takes that much of the disk twice.',
  }),
  composingPercent: new Key(integer({ min: 0, max: 100, unit: 'percent' }), {
    default: 90,
    about:
      'Of all processor cores, what compositions may take together; what would take more is refused. What streams leave of it, recordings are composed again with.',
  }),
  recordingQueueBytes: new Key(byteSize({ min: 1024 ** 2, max: 4 * 1024 ** 3 }), {
    default: '16MiB',
    about: 'Media one recording may hold while the disk is slow; beyond it whole GOPs are lost and counted.',
  }),
  gopMemoryBytes: new Key(byteSize({ min: 64 * 1024, max: 1024 ** 3 }), {
    default: '8MiB',
    about:
      'Media remembered per stream since its last random access point, so that recordings and players start at once.',
  }),
  preRollBytes: new Key(byteSize({ min: 64 * 1024, max: 4 * 1024 ** 3 }), {
    default: '32MiB',
    about:
      'Media remembered per stream where recordings may begin in the past (preRollSeconds of recordings or of a rule); the oldest makes room.',
  }),
}
