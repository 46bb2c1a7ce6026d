import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTransport, type TransportSpec, writeTransport } from './transport.ts'

const NOTHING: TransportSpec = {
  profile: 'RTP/AVP',
  lower: 'udp',
  isMulticast: false,
  interleaved: undefined,
  clientPorts: undefined,
  serverPorts: undefined,
  ssrc: undefined,
  mode: '',
  source: '',
}

const CASES: readonly [name: string, header: string, specs: readonly Partial<TransportSpec>[]][] = [
  [
    'FFmpeg publishes over TCP',
    'RTP/AVP/TCP;unicast;interleaved=0-1;mode=record',
    [{ lower: 'tcp', interleaved: [0, 1], mode: 'record' }],
  ],
  ['FFmpeg plays over UDP', 'RTP/AVP/UDP;unicast;client_port=17510-17511', [{ clientPorts: [17510, 17511] }]],
  [
    'RFC 2326 §12.39: alternatives, quotes around a list',
    'RTP/AVP;multicast;ttl=127;mode="PLAY", RTP/AVP;unicast;client_port=3456-3457;mode="PLAY,RECORD"',
    [
      { isMulticast: true, mode: 'PLAY' },
      { clientPorts: [3456, 3457], mode: 'PLAY,RECORD' },
    ],
  ],
  [
    'a camera answers: one port, an SSRC, odd case and spaces',
    'rtp/avp ; Unicast; Client_Port = 5000 ;server_port=6000-6001;SSRC=4d3c2b1a;source=10.0.0.2',
    [{ clientPorts: [5000, 5001], serverPorts: [6000, 6001], ssrc: 0x4d3c2b1a, source: '10.0.0.2' }],
  ],
  ['SRTP', 'RTP/SAVP/TCP;interleaved=2-3', [{ profile: 'RTP/SAVP', lower: 'tcp', interleaved: [2, 3] }]],
  ['impossible numbers are none', 'RTP/AVP/TCP;interleaved=300-301;client_port=99999;ssrc=xyz', [{ lower: 'tcp' }]],
  ['what is no transport is left out', ',;,RAW/RAW/X,MP2T/H2221/UDP;unicast', [{ profile: 'MP2T/H2221' }]],
]

for (const [name, header, specs] of CASES) {
  test(name, () =>
    assert.deepEqual(
      parseTransport(header),
      specs.map((spec) => ({ ...NOTHING, ...spec })),
    ),
  )
}

test('what is written reads back', () => {
  const pair = (max: number) => fc.option(fc.tuple(fc.nat(max), fc.nat(max)), { nil: undefined })
  const spec = fc.record({
    profile: fc.constantFrom('RTP/AVP', 'RTP/SAVP'),
    lower: fc.constantFrom('udp' as const, 'tcp' as const),
    isMulticast: fc.constant(false),
    interleaved: pair(255),
    clientPorts: pair(65_535),
    serverPorts: pair(65_535),
    ssrc: fc.option(fc.nat(0xffff_ffff), { nil: undefined }),
    mode: fc.constantFrom('', 'play', 'record'),
    source: fc.constant(''),
  })
  fc.assert(fc.property(spec, (each) => assert.deepEqual(parseTransport(writeTransport(each)), [{ ...each }])))
})

test('nothing makes it throw', () => {
  const piece = fc.constantFrom('RTP/AVP', ';', ',', '"', '=', '-', 'client_port', '1', ' ')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((all) => all.join('')),
      ),
      (text) => void parseTransport(text),
    ),
  )
})
