import { errorMessage } from '#base/error.ts'
import type { WebhookConfig } from '#config/config.ts'
import type { AttemptOutcome } from './delivery.ts'
import type { DueDelivery } from './outbox/stored.ts'
import { signatureOf } from './signature.ts'

/** The part of the global fetch that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface WebhookSenderOptions {
  readonly fetch: Fetch
  readonly nowMs: () => number
  readonly version: string
  /** Ends attempts under way. */
  readonly signal: AbortSignal
}

/** Of an answer that is no yes; enough to say what the receiver complains about. */
const MAX_ANSWER_BYTES = 1_024

/** Posts one event. 2xx is a yes; anything else, a redirect and silence are a no. */
export async function sendToWebhook(
  { url, secret, timeoutMs }: WebhookConfig,
  { id, eventType, document }: DueDelivery,
  { fetch, nowMs, version, signal }: WebhookSenderOptions,
): Promise<AttemptOutcome> {
  const startedMs = performance.now()
  const end = (outcome: Partial<AttemptOutcome>): AttemptOutcome => ({
    verdict: 'retry',
    status: null,
    error: null,
    isUnreachable: false,
    durationMs: Math.round(performance.now() - startedMs),
    ...outcome,
  })
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const { address, authorization } = withoutLogin(url)
    const response = await fetch(address, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': `Tapedeck/${version}`,
        'tapedeck-event': eventType,
        'tapedeck-delivery': id,
        ...(secret === undefined ? {} : { 'tapedeck-signature': signatureOf(secret, document, nowMs()) }),
        ...authorization,
      },
      body: document,
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    })
    if (response.ok) {
      await response.body?.cancel()
      return end({ verdict: 'delivered', status: response.status })
    }
    return end({ status: response.status, error: await complaintOf(response) })
  } catch (error) {
    if (signal.aborted) return end({ verdict: 'interrupted', error: 'the server was stopped meanwhile' })
    if (timeout.aborted) return end({ isUnreachable: true, error: `no answer within ${timeoutMs} ms` })
    return end({ isUnreachable: true, error: reasonOf(error) })
  }
}

/** fetch refuses a login in the address, which is where operators put one. */
function withoutLogin(url: string): { address: string; authorization: Record<string, string> } {
  const target = new URL(url)
  const login = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`
  target.username = ''
  target.password = ''
  const authorization = login === ':' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` }
  return { address: target.href, authorization: { ...authorization } as Record<string, string> }
}

async function complaintOf(response: Response): Promise<string> {
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel()
    return `answered ${response.status}: redirects are not followed, give the address itself`
  }
  return `answered ${response.status} ${printable(await beginningOf(response))}`.trim()
}

async function beginningOf(response: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop cancels the rest of the answer.
  for await (const piece of response.body ?? []) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes >= MAX_ANSWER_BYTES) break
  }
  return Buffer.concat(pieces).subarray(0, MAX_ANSWER_BYTES).toString()
}

/** On one line: it goes to the log and to the page. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 300)
}

/** fetch says "fetch failed" of everything; the cause knows more. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  return printable(errorMessage(cause)) || 'no connection'
}
