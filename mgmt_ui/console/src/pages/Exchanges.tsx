export default function Exchanges() { return <p>Exchanges</p>; }
