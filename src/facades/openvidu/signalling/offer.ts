/** Which kinds a publisher's offer sends; early clients say it nowhere else. spec section 7.6. */
export function offeredKinds(sdp: string): { readonly audio: boolean; readonly video: boolean } {
  const sections = sdp.split(/^m=/m).slice(1)
  const sends = (kind: string) =>
    sections.some((section) => {
      const [, media, port] = /^(\w+) (\d+)/.exec(section) ?? []
      return media === kind && port !== '0' && !/^a=(inactive|recvonly)\s*$/m.test(section)
    })
  return { audio: sends('audio'), video: sends('video') }
}
