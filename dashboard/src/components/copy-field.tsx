import { useEffect, useRef, useState } from 'preact/hooks'
import { useApp } from '../state/context.ts'
import { Icon } from './icon.tsx'

/** A value to take elsewhere, with a button that copies it. */
export function CopyField({ name, value, isLabelled = false }: { name: string; value: string; isLabelled?: boolean }) {
  const { toasts } = useApp()
  const [isCopied, setCopied] = useState(false)
  const text = useRef<HTMLElement>(null)
  useEffect(() => {
    if (!isCopied) return undefined
    const timer = setTimeout(() => setCopied(false), 2_000)
    return () => clearTimeout(timer)
  }, [isCopied])

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value)
      setCopied(true)
    } catch {
      // No clipboard outside secure contexts (plain http from another machine): select it for Ctrl-C instead.
      if (text.current !== null) getSelection()?.selectAllChildren(text.current)
      toasts.notice('Selected. Press Ctrl-C (or ⌘C) to copy.')
    }
  }
  return (
    <div class="copy-field">
      {isLabelled && <span class="copy-label">{name}</span>}
      <code ref={text}>{value}</code>
      <button
        type="button"
        class="icon-button"
        aria-label={isCopied ? `${name} copied` : `Copy ${name}`}
        onClick={() => void copy()}
      >
        <Icon name={isCopied ? 'check' : 'copy'} />
      </button>
    </div>
  )
}
