/** The part of sdp-transform that is used; the package brings no types. Numbers are what looks like one. */
declare module 'sdp-transform' {
  type Text = string | number

  interface SdpMedia {
    /** These three are not there when the m-line is malformed. */
    type: Text
    port: number
    protocol: Text
    payloads?: Text
    mid?: Text
    direction?: string
    setup?: string
    iceUfrag?: Text
    icePwd?: Text
    fingerprint?: { type: string; hash: Text }
    candidates?: object[]
    connection?: { version: number; ip: string }
    bandwidth?: { type: string; limit: Text }[]
    rtp: { payload: number; codec: Text; rate?: number; encoding?: Text }[]
    fmtp: { payload: number; config: Text }[]
    rtcpFb?: { payload: Text; type: Text; subtype?: Text }[]
    ext?: { value: number; uri: Text; direction?: string }[]
    ssrcs?: { id: Text; attribute?: Text; value?: Text }[]
    ssrcGroups?: { semantics: string; ssrcs: Text }[]
    rids?: { id: Text; direction: string; params?: string }[]
    bundleOnly?: string
    rtcpMux?: string
    rtcpRsize?: string
    msid?: string | { id: string; appdata?: string }[]
    endOfCandidates?: string
    invalid?: { value: string }[]
  }

  interface SessionDescription {
    version?: number
    origin?: {
      username: string
      sessionId: Text
      sessionVersion: number
      netType: string
      ipVer: number
      address: string
    }
    name?: Text
    timing?: { start: number; stop: number }
    groups?: { type: string; mids?: Text }[]
    setup?: string
    iceUfrag?: Text
    icePwd?: Text
    icelite?: string
    iceOptions?: string
    fingerprint?: { type: string; hash: Text }
    extmapAllowMixed?: string
    msidSemantic?: { semantic: string; token: string }
    media: SdpMedia[]
  }

  function parse(sdp: string): SessionDescription
  function write(description: SessionDescription): string
}
