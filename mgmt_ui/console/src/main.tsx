// Where the console begins: a session of before, if there is one, then the frame or the sign-in.
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/frame.css";
import "./styles/controls.css";
import "./styles/fields.css";
import "./styles/cards.css";
import "./styles/parts.css";
import "./styles/layers.css";
import "./styles/table.css";
import "./styles/chart.css";
import "./lib/prefs";
import { render } from "preact";
import { resume, session } from "./lib/session";
import { Frame } from "./ui/Frame";
import { SignIn } from "./pages/SignIn";

function Console() {
  return session.value ? <Frame /> : <SignIn />;
}

await resume();
render(<Console />, document.getElementById("app") as HTMLElement);
