import type { RecordingDocument } from '#storage/recording-document.ts'
import type { StreamDocument } from '../../../dashboard/src/api/documents.ts'

/** A finished, complete recording of four seconds; change what the case is about. */
export function recordingDocument(change: Partial<RecordingDocument> & { id: string }): RecordingDocument {
  return {
    node: 'node-test',
    stream: 'live/cam1',
    state: 'ready',
    format: 'mp4',
    rule: null,
    startedAt: '2026-11-20T09:05:00.000Z',
    endedAt: '2026-11-20T09:05:04.000Z',
    requestedAt: '2026-11-20T09:05:00.000Z',
    durationMs: 4_000,
    bytes: 240_000,
    parts: [partDocument(1)],
    ledger: {
      tracks: [
        { trackId: 1, kind: 'video', codec: 'h264', received: 100, written: 100, lost: 0 },
        { trackId: 2, kind: 'audio', codec: 'aac', received: 173, written: 173, lost: 0 },
      ],
      gaps: [],
    },
    metadata: {},
    held: false,
    error: null,
    ...change,
  }
}

/** One part of such a recording. */
export function partDocument(index: number): RecordingDocument['parts'][number] {
  return {
    index,
    path: `live/cam1/20261120-09050${index}.mp4`,
    root: 'recordings',
    state: 'ready',
    startedAt: '2026-11-20T09:05:00.000Z',
    sourceStartedAt: null,
    startMs: (index - 1) * 4_000,
    durationMs: 4_000,
    bytes: 240_000,
    sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    tracks: [
      {
        trackId: 1,
        kind: 'video',
        codec: 'h264',
        codecString: 'avc1.42c00d',
        accessUnits: 100,
        payloadBytes: 200_000,
        width: 320,
        height: 180,
      },
      {
        trackId: 2,
        kind: 'audio',
        codec: 'aac',
        codecString: 'mp4a.40.2',
        accessUnits: 173,
        payloadBytes: 30_000,
        sampleRateHz: 44_100,
        channels: 1,
      },
    ],
  }
}

/** A stream somebody publishes since nine. */
export function streamDocument(change: Partial<StreamDocument> & { path: string }): StreamDocument {
  return {
    id: change.path,
    protocol: 'rtmp',
    since: '2026-11-20T09:00:00.000Z',
    remoteAddress: '127.0.0.1',
    encoder: 'FMLE/3.0 (compatible; Lavf59.27)',
    bitrateBps: 2_430_000,
    recordings: [],
    tracks: [
      { trackId: 1, kind: 'video', codec: 'h264', codecString: 'avc1.42c00d', width: 320, height: 180, frameRate: 25 },
      { trackId: 2, kind: 'audio', codec: 'aac', codecString: 'mp4a.40.2', sampleRateHz: 44_100, channels: 1 },
    ],
    ...change,
  }
}
