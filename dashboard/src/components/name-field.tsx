import { useRef } from 'preact/hooks'
import { NAME_ELEMENTS } from '../state/name-elements.ts'
import type { RuleForm } from '../state/use-rule-form.ts'
import { Field } from './field.tsx'

/** The name template, with its elements at hand. */
export function NameField({ form }: { form: RuleForm }) {
  const input = useRef<HTMLInputElement>(null)
  const { draft, problems, change } = form
  const insert = (element: string) => {
    const at = input.current?.selectionStart ?? draft.name.length
    const end = input.current?.selectionEnd ?? at
    const text = `{${element}}`
    change({ name: draft.name.slice(0, at) + text + draft.name.slice(end) })
    requestAnimationFrame(() => {
      input.current?.focus()
      input.current?.setSelectionRange(at + text.length, at + text.length)
    })
  }
  return (
    <>
      <Field
        id="rule-name"
        label="Name"
        problem={problems.get('name')}
        hint="Empty: as the server names all recordings. Slashes make folders; the extension is added."
      >
        {(control) => (
          <input
            {...control}
            ref={input}
            type="text"
            class="wide code"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            placeholder="{app}/{stream}/{date}-{time}"
            value={draft.name}
            onInput={(event) => change({ name: event.currentTarget.value })}
          />
        )}
      </Field>
      <p class="preview" aria-live="polite">
        {form.preview !== undefined && (
          <>
            {form.preview.example.stream} becomes <code>{form.preview.example.path}</code>
          </>
        )}
      </p>
      <details class="elements">
        <summary>Elements of a name</summary>
        <ul>
          {NAME_ELEMENTS.map(({ name, meaning }) => (
            <li key={name}>
              <button type="button" class="element" aria-label={`Insert {${name}}`} onClick={() => insert(name)}>
                <code>{`{${name}}`}</code>
              </button>
              <span class="muted">{meaning}</span>
            </li>
          ))}
        </ul>
        <p class="hint">
          <code>{'{stream:20}'}</code> is cut to 20 characters.
        </p>
      </details>
    </>
  )
}
