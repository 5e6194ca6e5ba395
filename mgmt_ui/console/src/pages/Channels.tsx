export default function Channels() { return <p>Channels</p>; }
