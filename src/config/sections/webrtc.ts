import { isIP } from 'node:net'
import { WEBRTC_AUDIO_CODECS, WEBRTC_VIDEO_CODECS } from '#base/webrtc-codecs.ts'
import { Key } from '../key.ts'
import { showFound } from '../problem.ts'
import { choice } from '../values/choice.ts'
import { integer } from '../values/integer.ts'
import { list } from '../values/list.ts'
import { optionalListenAddress } from '../values/listen-address.ts'
import { record } from '../values/record.ts'
import { text } from '../values/text.ts'
import { INVALID, type ValueType } from '../values/value-type.ts'

/** Names are not resolved by browsers in candidates. */
const ipAddress: ValueType<string> = {
  expected: 'an IP address such as 203.0.113.7',
  text: 'plain',
  read(found, path, report) {
    if (typeof found === 'string' && isIP(found) !== 0) return found
    report(path, showFound(found), `expected ${this.expected}`)
    return INVALID
  },
}

const iceServer = record("a mapping such as { urls: ['stun:stun.example.org'] }", {
  urls: {
    type: list(text('an address such as stun:host or turn:host:3478', { pattern: /^(stun|turn)s?:\S+$/ }), 'addresses'),
    required: true,
  },
  username: { type: text('a name') },
  credential: { type: text('a password') },
})

/** Browsers as publishers and players over WebRTC, and their limits. */
export const WEBRTC_KEYS = {
  udp: new Key(optionalListenAddress(8189), {
    default: '127.0.0.1:8189',
    about:
      "The one UDP port of all browsers that publish or play. For others than this machine: 0.0.0.0:8189. '': WebRTC is off.",
    flag: '--webrtc-udp <address>',
  }),
  advertise: new Key(list(ipAddress, 'IP addresses'), {
    default: [],
    about:
      'IP addresses by which browsers reach webrtc.udp besides those this machine has: the public one of a NAT or a container host that forwards the port.',
  }),
  iceServers: new Key(list(iceServer, 'STUN and TURN servers'), {
    default: [],
    about:
      'STUN and TURN servers that browsers are told of (Link headers): urls, and for TURN username and credential, which everybody learns who may publish or play.',
    secret: true,
  }),
  videoCodecs: new Key(list(choice(WEBRTC_VIDEO_CODECS), 'codecs'), {
    default: [...WEBRTC_VIDEO_CODECS],
    about: 'Codecs of pictures taken from publishers, the preferred first. H.264, H.265 and AV1 are recorded to MP4.',
  }),
  audioCodecs: new Key(list(choice(WEBRTC_AUDIO_CODECS), 'codecs'), {
    default: [...WEBRTC_AUDIO_CODECS],
    about: 'Codecs of sound taken from publishers, the preferred first.',
  }),
  maxBitrate: new Key(integer({ min: 50_000, max: 1_000_000_000, unit: 'bits per second' }), {
    default: 8_000_000,
    about: 'What a publisher may send of pictures. Browsers stay far below it unless they are told more.',
  }),
  jitterMs: new Key(integer({ min: 20, max: 10_000, unit: 'milliseconds' }), {
    default: 500,
    about: 'How long a missing packet is waited for, and asked for again, before it counts as lost.',
  }),
  damaged: new Key(choice(['drop', 'keep']), {
    default: 'drop',
    about: 'What becomes of pictures of which packets are missing; as rtsp.damaged.',
  }),
  iceTimeoutMs: new Key(integer({ min: 1000, max: 600_000, unit: 'milliseconds' }), {
    default: 15_000,
    about: 'A browser that is not connected this long after its offer was answered is given up.',
  }),
  idleTimeoutMs: new Key(integer({ min: 1000, max: 3_600_000, unit: 'milliseconds' }), {
    default: 20_000,
    about: 'A publisher or player from whom nothing comes for this long is disconnected.',
  }),
  maxSessions: new Key(integer({ min: 1, max: 100_000, unit: 'sessions' }), {
    default: 1000,
    about: 'Sessions at a time, publishers and players together; more are refused.',
  }),
  maxConnecting: new Key(integer({ min: 1, max: 100_000, unit: 'sessions' }), {
    default: 200,
    about: 'Sessions at a time whose browser is not connected yet.',
  }),
  maxConnectingPerAddress: new Key(integer({ min: 1, max: 100_000, unit: 'sessions' }), {
    default: 50,
    about: 'The same from one IP address; behind a reverse proxy that is everybody.',
  }),
}
