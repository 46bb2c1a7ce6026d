/** What a name template may hold, and what becomes of it; see the guide on recording options. */
export const NAME_ELEMENTS = [
  { name: 'app', meaning: 'first part of the stream path' },
  { name: 'stream', meaning: 'the rest of it' },
  { name: 'path', meaning: 'all of it, with its folders' },
  { name: 'date', meaning: 'of the start, 2026-11-20' },
  { name: 'time', meaning: 'of the start, 09-05-00' },
  { name: 'startTime', meaning: 'milliseconds since 1970' },
  { name: 'endTime', meaning: 'the same of the end, once it is known' },
  { name: 'duration', meaning: 'milliseconds, once it is known' },
  { name: 'part', meaning: 'number of the part' },
  { name: 'id', meaning: 'of the recording' },
  { name: 'videoCodec', meaning: 'e.g. h264' },
  { name: 'audioCodec', meaning: 'e.g. aac' },
  { name: 'sessionId', meaning: "of the publisher's connection" },
  { name: 'login', meaning: 'who publishes' },
] as const satisfies readonly { readonly name: string; readonly meaning: string }[]
