/** Where browsers begin who are not told otherwise: some 300 kbit/s, a blurred picture for many seconds. */
const START_BPS = 2_000_000

/**
 * The answer with the rate that Chromium's encoders are to begin with, as Chromium reads it (`x-google-start-bitrate`, in
 * kbit/s); other browsers pass over it. What the network can't carry is found out and taken back within a second.
 */
export function withStartBitrate(sdp: string, maxBitrateBps: number = START_BPS): string {
  const parameter = `x-google-start-bitrate=${Math.round(Math.min(maxBitrateBps, START_BPS) / 1000)}`
  return sdp
    .split(/^(?=m=)/m)
    .map((section) => {
      const payloadType = /^m=video \S+ \S+ (\d+)/.exec(section)?.[1]
      if (payloadType === undefined) return section
      const parameters = new RegExp(`^(a=fmtp:${payloadType} [^\\r\\n]*)`, 'm')
      if (parameters.test(section)) return section.replace(parameters, `$1;${parameter}`)
      const map = new RegExp(`^(a=rtpmap:${payloadType} [^\\r\\n]*)(\\r?\\n)`, 'm')
      return section.replace(map, `$1$2a=fmtp:${payloadType} ${parameter}$2`)
    })
    .join('')
}
