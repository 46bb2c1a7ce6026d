/** Hands an offer over; gives the answer and what ends the session. */
export type Signalling = (offer: string, index: number) => Promise<{ answer: string; end: () => Promise<void> }>

/** WHIP (RFC 9725). @param pathOf a publisher's stream */
export function whip(base: string, pathOf = (index: number) => `live/bench${index}`): Signalling {
  return async (offer, index) => {
    const url = `${base}/whip/${pathOf(index)}`
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp' },
      body: offer,
    })
    const answer = await response.text()
    const location = response.headers.get('location')
    if (response.status !== 201 || location === null) throw new Error(`${response.status} ${answer}`)
    return { answer, end: async () => void (await fetch(new URL(location, url), { method: 'DELETE' })) }
  }
}

interface JanusMessage {
  readonly janus: string
  readonly transaction?: string
  readonly data?: { readonly id: number }
  readonly plugindata?: { readonly data: { readonly error?: string } }
  readonly jsep?: { readonly sdp: string }
  readonly error?: { readonly reason: string }
}

/** The JSON API of Janus: every publisher a session of its own in one video room. */
export function janus(base: string, room: number): Signalling {
  const post = async (path: string, body: object): Promise<JanusMessage> => {
    const response = await fetch(`${base}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, transaction: 'bench' }),
    })
    const message = (await response.json()) as JanusMessage
    if (message.janus === 'error') throw new Error(`Janus: ${message.error?.reason}`)
    return message
  }
  return async (offer, index) => {
    const session = `/${(await post('', { janus: 'create' })).data?.id}`
    const handle = `${session}/${(await post(session, { janus: 'attach', plugin: 'janus.plugin.videoroom' })).data?.id}`
    const body = { request: 'joinandconfigure', room, ptype: 'publisher', display: `bench${index}` }
    await post(handle, { janus: 'message', body, jsep: { type: 'offer', sdp: offer } })
    for (;;) {
      const event = (await (await fetch(`${base}${session}`)).json()) as JanusMessage
      const error = event.plugindata?.data.error ?? event.error?.reason
      if (error !== undefined) throw new Error(`Janus: ${error}`)
      if (event.jsep === undefined) continue
      const end = async () => void (await post(session, { janus: 'destroy' }))
      return { answer: event.jsep.sdp, end }
    }
  }
}
