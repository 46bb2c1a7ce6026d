/** Which kinds a publisher's offer sends; early clients say it nowhere else. spec section 7.6. */
export function offeredKinds(sdp: string): { readonly audio: boolean; readonly video: boolean } {
  const sends = (kind: string) => sections(sdp, kind).some((section) => !/^a=(inactive|recvonly)\s*$/m.test(section))
  return { audio: sends('audio'), video: sends('video') }
}

/** Whether a player's offer wants pictures, and none of this codec: it would hear, and see nothing. */
export function lacksVideoCodec(sdp: string, codec: string): boolean {
  const wanting = sections(sdp, 'video').filter((section) => !/^a=(inactive|sendonly)\s*$/m.test(section))
  const pattern = new RegExp(`^a=rtpmap:\\d+ ${codec}/`, 'im')
  return wanting.length > 0 && !wanting.some((section) => pattern.test(section))
}

/** Of a kind, those that are not refused. */
function sections(sdp: string, kind: string): string[] {
  const all = sdp.split(/^m=/m).slice(1)
  return all.filter((section) => {
    const [, media, port] = /^(\w+) (\d+)/.exec(section) ?? []
    return media === kind && port !== '0'
  })
}
