// Fields of forms: each with a label that belongs to it.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  all?: boolean | undefined;
  /** Why what stands there will not do. */
  error?: string | undefined;
  children: (id: string) => ComponentChildren;
}

export function Field({ label, hint, all, error, children }: FieldProps) {
  const id = useId();
  return (
    <div class={`field ${all ? "all" : ""}`}>
      <label for={id}>{label}</label>
      {children(id)}
      {error && (
        <small class="error-text" role="alert" id={`${id}-error`}>
          {error}
        </small>
      )}
      {hint && <small>{hint}</small>}
    </div>
  );
}

interface TextProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: ComponentChildren;
  required?: boolean;
  autofocus?: boolean;
  mono?: boolean;
  all?: boolean;
  type?: "text" | "number" | "password";
  placeholder?: string;
  list?: string;
  error?: string | undefined;
}

export function Text({ label, value, onChange, hint, all, mono, error, ...rest }: TextProps) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // A browser heeds the attribute in what comes later only within a dialog that opens.
    if (rest.autofocus) field.current?.focus();
  }, []);
  return (
    <Field label={label} hint={hint} all={all} error={error}>
      {(id) => (
        <input
          id={id}
          ref={field}
          class={`input ${mono ? "mono" : ""}`}
          autocomplete="off"
          spellcheck={false}
          value={value}
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? `${id}-error` : undefined}
          onInput={(event) => onChange(event.currentTarget.value)}
          {...(rest as object)}
        />
      )}
    </Field>
  );
}

interface AreaProps extends Pick<TextProps, "label" | "value" | "onChange" | "hint" | "required" | "autofocus" | "error"> {
  rows?: number;
}

/** Text of many lines, as JSON. */
export function Area({ label, value, onChange, hint, error, rows = 8, ...rest }: AreaProps) {
  return (
    <Field label={label} hint={hint} all error={error}>
      {(id) => (
        <textarea
          id={id}
          class="input"
          rows={rows}
          spellcheck={false}
          value={value}
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? `${id}-error` : undefined}
          onInput={(event) => onChange(event.currentTarget.value)}
          {...(rest as object)}
        />
      )}
    </Field>
  );
}

interface SelectProps {
  label: string;
  value: string;
  options: (readonly [string, string])[];
  onChange: (value: string) => void;
  hint?: ComponentChildren;
}

export function Select({ label, value, options, onChange, hint }: SelectProps) {
  return (
    <Field label={label} hint={hint}>
      {(id) => (
        <select id={id} class="select" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {options.map(([each, text]) => (
            <option key={each} value={each}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function Check(props: { label: ComponentChildren; value: boolean; onChange: (value: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={props.value} onChange={(event) => props.onChange(event.currentTarget.checked)} />
      {props.label}
    </label>
  );
}
