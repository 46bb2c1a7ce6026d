import { TapedeckError } from '#base/error.ts'

/** With the secret that every sample of the vendor's has, anybody is the application. */
export class SampleSecretError extends TapedeckError {
  readonly code = 'openvidu/sample-secret'
  readonly origin = 'operator'
  readonly host: string
  constructor(host: string) {
    super(
      `facades.openvidu.listen is ${host}, and the secret is the vendor's sample: set facades.openvidu.secret, or listen on 127.0.0.1`,
    )
    this.host = host
  }
}
