export default function Connections() { return <p>Connections</p>; }
