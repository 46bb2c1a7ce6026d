/** What was recorded, as far as the server or its files can tell. */
export interface Recorded {
  /** RTP packets in its files. Undefined: it writes access units. */
  readonly recordedPackets: number | undefined
  /** Undefined: it writes packets. */
  readonly recordedAccessUnits: number | undefined
  /** Of those that arrived. Undefined: it can't tell. */
  readonly lostAccessUnits?: number
}

/** A server under test that takes WebRTC publishers. */
export interface WebRtcServer extends AsyncDisposable {
  readonly name: string
  readonly version: string
  readonly pid: number
  /** First arguments of the load generator: how the server is spoken to, where, and the IP address to send media from. */
  readonly load: readonly [kind: 'whip' | 'channels' | 'rooms' | 'janus', address: string, from: string]
  /** Called when all publishers are connected, before they send: what records by itself needs none. */
  readonly record?: () => Promise<void>
  /** Everything published is in its file when it resolves. */
  settle(): Promise<Recorded>
  /** Bytes of all files written. */
  writtenBytes(): number
}
