import { useState } from 'preact/hooks'
import type { PullDocument } from '../api/documents.ts'
import { useApp } from '../state/context.ts'
import type { FieldPlaces } from '../state/field-problems.ts'
import { useFormProblems } from '../state/use-form-problems.ts'
import { Check } from './check.tsx'
import { Field } from './field.tsx'

const NEW_PULL = { url: '', path: '', keepAlive: true, verifyTls: true, transport: 'auto' as PullDocument['transport'] }

/** Origins over TLS. */
const SECURE = /^(rtmps|rtsps|rtsp\+https):/i
/** Where media may travel over UDP: not through a tunnel, and with TLS nobody wants it. */
const HAS_TRANSPORT = /^rtsp:/i

const TRANSPORTS = [
  ['auto', 'UDP, or TCP where it does not get through'],
  ['udp', 'UDP only'],
  ['tcp', 'TCP only'],
] as const

const PLACES: FieldPlaces<keyof typeof NEW_PULL> = {
  byPath: { url: 'url', path: 'path', keepAlive: 'keepAlive', verifyTls: 'verifyTls', transport: 'transport' },
  byCode: {
    'pull/url-invalid': 'url',
    'pull/scheme-unknown': 'url',
    'pull/option-unsupported': 'transport',
    'stream/path-invalid': 'path',
  },
}

/** Adds a stream to fetch. */
export function PullForm() {
  const { client, pulls, toasts } = useApp()
  const [draft, setDraft] = useState(NEW_PULL)
  const { fields, rest, isBusy, send, show, forget } = useFormProblems(PLACES)
  const change = (changed: Partial<typeof NEW_PULL>) => {
    setDraft((before) => ({ ...before, ...changed }))
    forget(Object.keys(changed))
  }
  const url = draft.url.trim()
  const hasTransport = HAS_TRANSPORT.test(url)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const spec = { ...draft, url, path: draft.path.trim(), transport: hasTransport ? draft.transport : 'auto' }
    const missing = new Map<keyof typeof NEW_PULL, string>()
    if (spec.url === '') missing.set('url', 'say where the stream is')
    if (spec.path === '') missing.set('path', 'say how it is to be called here, e.g. live/cam1')
    if (missing.size > 0) return show(missing)
    send(async () => {
      const pull = await client.addPull(spec)
      pulls.tell((all) => [...all.filter(({ id }) => id !== pull.id), pull])
      toasts.notice(`${pull.path} is fetched from now on.`)
      setDraft(NEW_PULL)
    })
  }
  const text = (name: 'url' | 'path', label: string, hint: string, placeholder: string) => (
    <Field id={`pull-${name}`} label={label} hint={hint} problem={fields.get(name)}>
      {(control) => (
        <input
          {...control}
          type="text"
          inputmode={name === 'url' ? 'url' : 'text'}
          class="wide code"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder={placeholder}
          value={draft[name]}
          onInput={(event) => change({ [name]: event.currentTarget.value })}
        />
      )}
    </Field>
  )
  return (
    <form class="panel form" noValidate aria-labelledby="pull-form-title" onSubmit={submit}>
      <h2 id="pull-form-title">Add a source</h2>
      {text(
        'url',
        'Address',
        'rtsp, rtsps, rtmp or rtmps, as a player would open it.',
        'rtsp://user:password@camera/stream',
      )}
      {text('path', 'Path here', 'The stream is live under this path.', 'live/cam1')}
      <Check
        id="pull-keepAlive"
        label="Keep it alive"
        hint="Reconnects for ever, after a restart too. Else it is tried once."
        isOn={draft.keepAlive}
        onChange={(keepAlive) => change({ keepAlive })}
      />
      {SECURE.test(url) && (
        <Check
          id="pull-verifyTls"
          label="Check its certificate"
          hint="Only a certificate that this server trusts, for the name in the address, is taken."
          isOn={draft.verifyTls}
          onChange={(verifyTls) => change({ verifyTls })}
        />
      )}
      {hasTransport && (
        <Field id="pull-transport" label="Media comes over" problem={fields.get('transport')}>
          {(control) => (
            <select
              {...control}
              value={draft.transport}
              onChange={(event) => {
                const [chosen = 'auto'] = TRANSPORTS.map(([name]) => name).filter(
                  (name) => name === event.currentTarget.value,
                )
                change({ transport: chosen })
              }}
            >
              {TRANSPORTS.map(([name, text]) => (
                <option key={name} value={name}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      <div role="alert">
        {rest.map((line) => (
          <p key={line} class="field-problem">
            {line}
          </p>
        ))}
      </div>
      <div class="row">
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? 'Adding…' : 'Add source'}
        </button>
      </div>
    </form>
  )
}
