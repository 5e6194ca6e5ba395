// Signing in. The address is kept: who is signed in again is where they were.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, signIn } from "../lib/api";
import { farewell } from "../lib/session";

export function SignIn() {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = "Sign in · Leveret";
    field.current?.focus();
  }, []);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await signIn(user, password);
    } catch (error) {
      setProblem(explain(error));
      setPassword("");
      setBusy(false);
    }
  };
  return (
    <main class="signin">
      <form onSubmit={submit} aria-label="Sign in">
        <div class="who">
          <img src="./favicon.svg" alt="" />
          <div>
            <h1>Leveret</h1>
            <span class="soft">Message broker</span>
          </div>
        </div>
        <div class="stack">
          {(problem || farewell.value) && (
            <p class={problem ? "banner bad" : "banner"} role="alert">
              {problem || farewell.value}
            </p>
          )}
          <div class="field">
            <label for="user">User name</label>
            <input
              id="user"
              ref={field}
              class="input"
              required
              autocomplete="username"
              autocapitalize="none"
              spellcheck={false}
              value={user}
              onInput={(event) => setUser(event.currentTarget.value)}
            />
          </div>
          <div class="field">
            <label for="password">Password</label>
            <input
              id="password"
              class="input"
              type="password"
              required
              autocomplete="current-password"
              value={password}
              onInput={(event) => setPassword(event.currentTarget.value)}
            />
          </div>
          <button type="submit" class="button primary" disabled={busy}>
            {busy ? "Signing in…" : "Sign in"}
          </button>
        </div>
      </form>
    </main>
  );
}

function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error);
  if (error.code === "not_authorized") return "The user name or the password is wrong.";
  if (error.message === "Not management user") {
    return "This user may send and receive messages, but not use the console: it has no management tag.";
  }
  if (error.message === "User can only log in via localhost") {
    return "This user may only sign in on the broker's own machine. Create another one for use from here.";
  }
  return error.message;
}
