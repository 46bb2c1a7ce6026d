import { useEffect, useRef, useState } from 'preact/hooks'
import { useApp } from '../state/context.ts'

/** Shown when the server answers 401: asks for a token and tries again with it. */
export function TokenForm() {
  const { feed, tokens } = useApp()
  const [wasRefused, setWasRefused] = useState(tokens.get() !== '')
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => input.current?.focus(), [])

  const tryToken = async () => {
    const token = input.current?.value.trim() ?? ''
    if (token === '') return
    tokens.set(token)
    feed.start()
    await feed.refresh()
    const { needsToken, link } = feed.state.value
    setWasRefused(needsToken && link !== 'away')
    input.current?.select()
  }
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    void tryToken()
  }
  return (
    <form class="token-form panel" onSubmit={submit}>
      <h1>This server asks for a token</h1>
      <p class="muted">
        The operator lists tokens under <code>auth.tokens</code> in the configuration. Yours is kept until this tab is
        closed.
      </p>
      <label for="token">Token</label>
      <div class="row">
        <input
          id="token"
          ref={input}
          type="password"
          autocomplete="off"
          spellcheck={false}
          aria-describedby="token-refused"
          aria-invalid={wasRefused}
        />
        <button type="submit" class="primary">
          Continue
        </button>
      </div>
      <p id="token-refused" class="refusal" role="alert">
        {wasRefused ? 'The server did not accept this token.' : ''}
      </p>
    </form>
  )
}
