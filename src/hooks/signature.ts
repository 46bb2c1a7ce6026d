import { createHmac } from 'node:crypto'

/**
 * Proof that a delivery is ours and as we sent it: `t=<unix seconds>,v1=<hex>`, where v1 is the HMAC-SHA256 of
 * `<t>.<body>` under the secret. The time lets a receiver refuse what somebody has kept to send again.
 */
export function signatureOf(secret: string, body: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000)
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}
