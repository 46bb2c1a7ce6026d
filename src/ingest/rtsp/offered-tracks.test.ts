import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDescription } from '#protocols/rtsp/description.ts'
import { offeredTracks } from './offered-tracks.ts'

const H264 = ['m=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/90000']
const PCMU = ['m=audio 0 RTP/AVP 0']
const offered = (...lines: readonly string[]) => {
  const { tracks, left } = offeredTracks(parseDescription(lines.join('\n')), 'rtsp://cam/s')
  return [
    tracks.map(
      ({ trackId, format }) => `${trackId} ${('payloadFormat' in format ? format.payloadFormat : format).encoding}`,
    ),
    left,
  ]
}

const MP2T = ['m=video 0 RTP/AVP 33', 'a=control:ts']

const CASES = [
  { name: 'a transport stream', lines: MP2T, tracks: ['1 MP2T'], left: [] },
  {
    name: 'a transport stream by its rtpmap',
    lines: ['m=video 0 RTP/AVP 97', 'a=rtpmap:97 mp2t/90000'],
    tracks: ['1 MP2T'],
    left: [],
  },
  {
    name: 'a transport stream beside tracks of their own',
    lines: [...H264, ...MP2T],
    tracks: ['1 H264'],
    left: ['video MP2T: no codec of ours'],
  },
  { name: 'picture and sound', lines: [...H264, ...PCMU], tracks: ['1 H264', '2 PCMU'], left: [] },
  { name: 'sound first', lines: [...PCMU, ...H264], tracks: ['2 PCMU', '1 H264'], left: [] },
  { name: 'two lenses', lines: [...H264, ...H264, ...PCMU], tracks: ['1 H264', '3 H264', '2 PCMU'], left: [] },
  {
    name: 'the second payload type is ours',
    lines: ['m=audio 0 RTP/AVP 4 8'],
    tracks: ['2 PCMA'],
    left: [],
  },
  {
    name: 'ONVIF: metadata and the loudspeaker',
    lines: [
      ...[...H264, 'a=recvonly', ...PCMU, 'a=recvonly', ...PCMU, 'a=sendonly'],
      ...['m=application 0 RTP/AVP 107', 'a=rtpmap:107 vnd.onvif.metadata/90000'],
    ],
    tracks: ['1 H264', '2 PCMU'],
    left: ['audio PCMU: for the camera’s loudspeaker', 'application VND.ONVIF.METADATA: neither video nor audio'],
  },
  {
    // A server that says of all that it sends it.
    name: 'everything is sent',
    lines: [...H264, 'a=sendonly', ...PCMU, 'a=sendonly'],
    tracks: ['1 H264', '2 PCMU'],
    left: [],
  },
  {
    name: 'encrypted',
    lines: ['m=video 0 RTP/SAVP 96', 'a=rtpmap:96 H264/90000'],
    tracks: [],
    left: ['video H264: encrypted (SRTP)'],
  },
]
for (const { name, lines, tracks, left } of CASES) {
  test(name, () => assert.deepEqual(offered(...lines), [tracks, left]))
}

test('a description without end has an end', () => {
  const many = Array.from({ length: 40 }, () => H264).flat()
  const { tracks, left } = offeredTracks(parseDescription(many.join('\n')), 'rtsp://cam/s')
  assert.deepEqual([tracks.length, left.length], [16, 24])
})

test('feedback is only promised where it was offered', () => {
  const profiles = ['RTP/AVP', 'RTP/AVPF', 'rtp/avp/tcp'].map((protocol) => {
    const text = `m=video 0 ${protocol} 96\na=rtpmap:96 H264/90000`
    return offeredTracks(parseDescription(text), 'rtsp://cam/s').tracks[0]?.profile
  })
  assert.deepEqual(profiles, ['RTP/AVP', 'RTP/AVPF', 'RTP/AVP'])
})
