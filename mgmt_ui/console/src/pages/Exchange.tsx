export default function Exchange() { return <p>Exchange</p>; }
