/** Name of the channel of a publisher where every channel has two. */
export function channelOf(publisher: number): string {
  return `bench${publisher >> 1}`
}

/** Path of a publisher's stream there: `<channel>/<uid>`. */
export function streamInChannel(publisher: number): string {
  return `${channelOf(publisher)}/${(publisher & 1) + 1}`
}
