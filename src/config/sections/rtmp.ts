import type { Config } from '../config.ts'
import { Key } from '../key.ts'
import type { ConfigProblem } from '../problem.ts'
import { byteSize } from '../values/byte-size.ts'
import { integer } from '../values/integer.ts'
import { optionalListenAddress } from '../values/listen-address.ts'
import { text } from '../values/text.ts'

/** The RTMP and RTMPS front door and its limits. */
export const RTMP_KEYS = {
  listen: new Key(optionalListenAddress(1935), {
    default: '127.0.0.1:1935',
    about: "Where encoders publish over RTMP. '': off.",
    flag: '--rtmp-listen <address>',
  }),
  tls: {
    listen: new Key(optionalListenAddress(1936), {
      default: '',
      about: "Where encoders publish over RTMPS; the usual port is 1936. '': off.",
      flag: '--rtmps-listen <address>',
    }),
    certificate: new Key(text('a PEM file'), {
      default: '',
      about: 'PEM file with the certificate chain. Empty: self-signed, kept in the data folder.',
    }),
    key: new Key(text('a PEM file'), { default: '', about: "PEM file with the certificate's private key." }),
  },
  idleTimeoutMs: new Key(integer({ min: 1000, max: 3_600_000, unit: 'milliseconds' }), {
    default: 20_000,
    about: 'A publisher that sends nothing for this long is disconnected.',
  }),
  maxConnections: new Key(integer({ min: 1, max: 100_000, unit: 'connections' }), {
    default: 4000,
    about: 'Connections at a time, publishers and players together; more are refused.',
  }),
  maxMessageBytes: new Key(byteSize({ min: 65_536, max: 64 * 1024 ** 2 }), {
    default: '8MiB',
    about: 'Largest RTMP message, which is the largest picture; a larger one ends its connection.',
  }),
  maxChunkStreams: new Key(integer({ min: 8, max: 65_599, unit: 'chunk streams' }), {
    default: 64,
    about: 'Chunk streams of one connection; more end it.',
  }),
}

/** What no single key can see. */
export function checkRtmp(rtmp: Config['rtmp']): ConfigProblem[] {
  const { certificate, key } = rtmp.tls
  if ((certificate === '') === (key === '')) return []
  const missing = certificate === '' ? 'certificate' : 'key'
  const given = certificate === '' ? 'key' : 'certificate'
  return [
    {
      path: `rtmp.tls.${missing}`,
      found: '',
      expected: `is missing although rtmp.tls.${given} is given: give both PEM files, or neither for a self-signed one`,
      where: '',
    },
  ]
}
