import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'

const AT = '2026-11-20T06:41:05.250Z'

/** A part that is finished and balanced with recordingSample's ledger. */
export function partSample(overrides: Partial<PartDocument> = {}): PartDocument {
  return {
    index: 1,
    path: 'live/cam1/2026-11-20-06-41-05.mp4',
    root: '/recordings',
    state: 'ready',
    startedAt: AT,
    sourceStartedAt: '2026-11-20T06:41:04.990Z',
    startMs: 0,
    durationMs: 2000.5,
    bytes: 4321,
    sha256: null,
    tracks: [
      {
        trackId: 1,
        kind: 'video',
        codec: 'h264',
        codecString: 'avc1.64001f',
        accessUnits: 50,
        payloadBytes: 4000,
        width: 320,
        height: 180,
      },
      {
        trackId: 2,
        kind: 'audio',
        codec: 'aac',
        codecString: 'mp4a.40.2',
        accessUnits: 94,
        payloadBytes: 300,
        sampleRateHz: 48_000,
        channels: 2,
      },
    ],
    ...overrides,
  }
}

/** A finished recording of one part that lost three pictures to the disk. */
export function recordingSample(overrides: Partial<RecordingDocument> = {}): RecordingDocument {
  return {
    id: '01jd3e7vzy8k2n4q6s8t0w2y4a',
    node: 'node-a',
    stream: 'live/cam1',
    state: 'ready',
    format: 'mp4',
    rule: 'all',
    startedAt: AT,
    endedAt: '2026-11-20T06:41:07.250Z',
    requestedAt: '2026-11-20T06:41:05.000Z',
    durationMs: 2000.5,
    bytes: 4321,
    parts: [partSample()],
    ledger: {
      tracks: [
        { trackId: 1, kind: 'video', codec: 'h264', received: 53, written: 50, lost: 3 },
        { trackId: 2, kind: 'audio', codec: 'aac', received: 94, written: 94, lost: 0 },
      ],
      gaps: [{ track: 1, fromMs: 1000, toMs: 1120, missingMs: 120, accessUnits: 3, packets: 0, cause: 'disk', at: AT }],
    },
    metadata: { camera: 'gate', label: 'ünïcode "quoted"' },
    held: false,
    error: null,
    ...overrides,
  }
}
