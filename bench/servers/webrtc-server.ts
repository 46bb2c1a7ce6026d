/** What was recorded, as far as the server or its files can tell. */
export interface Recorded {
  /** RTP packets in its files. Undefined: it writes access units. */
  readonly recordedPackets: number | undefined
  /** Undefined: it writes packets. */
  readonly recordedAccessUnits: number | undefined
}

/** A server under test that takes WebRTC publishers. */
export interface WebRtcServer extends AsyncDisposable {
  readonly name: string
  readonly version: string
  readonly pid: number
  /** First arguments of the load generator: how the server is spoken to, where, and the IP address to send media from. */
  readonly load: readonly [kind: 'whip' | 'janus', address: string, from: string]
  /** Everything published is in its file when it resolves. */
  settle(): Promise<Recorded>
  /** Bytes of all files written. */
  writtenBytes(): number
}
