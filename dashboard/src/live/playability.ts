/** What this browser says about a combination of codecs in MP4. `probe` is a media element's canPlayType. */
export function canPlayMp4(codecStrings: readonly string[], probe: (type: string) => string): boolean {
  const codecs = codecStrings.filter((codec) => codec !== '').join(', ')
  return probe(codecs === '' ? 'video/mp4' : `video/mp4; codecs="${codecs}"`) !== ''
}
