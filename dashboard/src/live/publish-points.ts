/** Whether there is a door for browsers among those to publish to. */
export function acceptsBrowsers(points: readonly { readonly protocol: string }[]): boolean {
  return points.some(({ protocol }) => protocol.startsWith('whip') || protocol.startsWith('webrtc'))
}
