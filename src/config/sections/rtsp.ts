import type { Config } from '../config.ts'
import { Key } from '../key.ts'
import type { ConfigProblem } from '../problem.ts'
import { choice } from '../values/choice.ts'
import { integer } from '../values/integer.ts'
import { optionalListenAddress } from '../values/listen-address.ts'
import { optionalPortRange } from '../values/port-range.ts'
import { text } from '../values/text.ts'

/** The RTSP and RTSPS front door and its limits. */
export const RTSP_KEYS = {
  listen: new Key(optionalListenAddress(8554), {
    default: '127.0.0.1:8554',
    about: "Where cameras and encoders publish over RTSP, and players play. '': off.",
    flag: '--rtsp-listen <address>',
  }),
  tls: {
    listen: new Key(optionalListenAddress(8322), {
      default: '',
      about: "The same over RTSPS; the usual port is 8322. '': off.",
      flag: '--rtsps-listen <address>',
    }),
    certificate: new Key(text('a PEM file'), {
      default: '',
      about: 'PEM file with the certificate chain. Empty: self-signed, kept in the data folder.',
    }),
    key: new Key(text('a PEM file'), { default: '', about: "PEM file with the certificate's private key." }),
  },
  udpPorts: new Key(optionalPortRange, {
    default: '20000-29999',
    about: "Ports for media over UDP, two for each track of a publisher or player. '': TCP only.",
  }),
  reorderMs: new Key(integer({ min: 0, max: 10_000, unit: 'milliseconds' }), {
    default: 200,
    about: 'Over UDP: how long a missing packet is waited for before it counts as lost.',
  }),
  damaged: new Key(choice(['drop', 'keep']), {
    default: 'drop',
    about:
      'What becomes of pictures of which packets are missing. drop: they and all up to the next random access point are left out and counted. keep: they are recorded as they came.',
  }),
  idleTimeoutMs: new Key(integer({ min: 1000, max: 3_600_000, unit: 'milliseconds' }), {
    default: 20_000,
    about: 'A publisher from whom nothing comes for this long is disconnected.',
  }),
  sessionTimeoutMs: new Key(integer({ min: 1000, max: 3_600_000, unit: 'milliseconds' }), {
    default: 60_000,
    about: 'A player over UDP from whom neither requests nor reports come for this long is disconnected.',
  }),
  maxConnections: new Key(integer({ min: 1, max: 100_000, unit: 'connections' }), {
    default: 4000,
    about: 'Connections at a time, publishers and players together; more are refused.',
  }),
}

/** What no single key can see. */
export function checkRtsp(rtsp: Config['rtsp']): ConfigProblem[] {
  const { certificate, key } = rtsp.tls
  if ((certificate === '') === (key === '')) return []
  const missing = certificate === '' ? 'certificate' : 'key'
  const given = certificate === '' ? 'key' : 'certificate'
  return [
    {
      path: `rtsp.tls.${missing}`,
      found: '',
      expected: `is missing although rtsp.tls.${given} is given: give both PEM files, or neither for a self-signed one`,
      where: '',
    },
  ]
}
