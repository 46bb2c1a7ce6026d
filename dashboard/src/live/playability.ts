/** Containers that browsers play, as media elements name them. */
const MEDIA_TYPES: Readonly<Record<string, string>> = { mp4: 'video/mp4', webm: 'video/webm' }

/** What this browser says about codecs in a container. `probe` is a media element's canPlayType. */
export function canPlay(container: string, codecStrings: readonly string[], probe: (type: string) => string): boolean {
  const type = MEDIA_TYPES[container]
  if (type === undefined) return false
  const codecs = codecStrings.filter((codec) => codec !== '').join(', ')
  return probe(codecs === '' ? type : `${type}; codecs="${codecs}"`) !== ''
}

/** Whether any browser plays files of this kind. */
export function isBrowserContainer(container: string): boolean {
  return container in MEDIA_TYPES
}
