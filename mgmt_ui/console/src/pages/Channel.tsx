export default function Channel() { return <p>Channel</p>; }
